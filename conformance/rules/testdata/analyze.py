# Prints as JSON what pySigma counts of the rules of a folder: scores of techniques, rules by log source and level,
# and the names of fields without a pipeline.
import json
import sys

from sigma.analyze.attack import calculate_attack_scores, score_functions
from sigma.analyze.fields import extract_fields_from_collection
from sigma.analyze.stats import create_logsourcestats
from sigma.collection import SigmaCollection

rules = SigmaCollection.load_ruleset([sys.argv[1]], collect_errors=True)
assert not rules.errors, rules.errors
fields, _ = extract_fields_from_collection(rules, object())
json.dump(
    {
        "rules": len(rules.rules),
        "scores": {name: calculate_attack_scores(rules, of[0]) for name, of in score_functions.items()},
        "sources": {name or "": list(levels.values()) for name, levels in create_logsourcestats(rules).items()},
        "fields": sorted(fields),
    },
    sys.stdout,
)
