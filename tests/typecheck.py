"""Annotations become checks while the tests run; an int may stand for a float, as in any YAML file."""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
