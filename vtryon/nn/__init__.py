"""Networks: tensors in, tensors out. This floor imports torch and nothing else of vtryon."""
