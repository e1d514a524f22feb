# Parameters, operations and measured speed of the two methods, for Table 7: vcmflow/complexity.
COMPLEXITY = f"{RESULTS}/complexity/complexity.json"
