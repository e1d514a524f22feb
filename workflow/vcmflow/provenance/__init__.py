"""Where results come from: parameters, code, versions, weights, machine."""
