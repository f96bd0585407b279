"""Try-on networks whose convolutions compute in int8."""
