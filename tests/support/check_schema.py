"""check_schema.py SCHEMA FILE...: does each file hold what the JSON Schema asks for?

A small validator of its own (the keywords that the project's schemas use; another keyword is an
error), so that the test needs nothing installed; python3-jsonschema gives a second opinion where it
is there. Exit status 0 if all files are right, 1 with the reasons if not."""
import json
import re
import sys

TYPES = {
    "object": dict, "array": list, "string": str, "boolean": bool, "null": type(None),
}
ANNOTATIONS = {"$schema", "$defs", "title", "description"}


def has_type(value, name):
    if name in ("number", "integer"):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        return name == "number" or value == int(value)
    return isinstance(value, TYPES[name])


def problems(value, schema, root, path="$"):
    """Reasons why the value does not match; none if it does."""
    for key, rule in schema.items():
        if key in ANNOTATIONS:
            continue
        if key == "$ref":
            target = root
            for part in rule.removeprefix("#/").split("/"):
                target = target[part]
            yield from problems(value, target, root, path)
        elif key == "type":
            names = rule if isinstance(rule, list) else [rule]
            if not any(has_type(value, name) for name in names):
                yield f"{path}: {value!r} is not {' or '.join(names)}"
        elif key == "const":
            if value != rule:
                yield f"{path}: {value!r} is not {rule!r}"
        elif key == "enum":
            if value not in rule:
                yield f"{path}: {value!r} is none of {rule}"
        elif key == "anyOf":
            if all(list(problems(value, one, root, path)) for one in rule):
                yield f"{path}: fits none of the alternatives"
        elif key == "required":
            if isinstance(value, dict):
                yield from (f"{path}: {name} is missing" for name in rule if name not in value)
        elif key == "properties":
            if isinstance(value, dict):
                for name, inner in rule.items():
                    if name in value:
                        yield from problems(value[name], inner, root, f"{path}.{name}")
        elif key == "items":
            if isinstance(value, list):
                for index, item in enumerate(value):
                    yield from problems(item, rule, root, f"{path}[{index}]")
        elif key == "pattern":
            if isinstance(value, str) and not re.search(rule, value):
                yield f"{path}: {value!r} does not match {rule}"
        elif key == "minimum":
            if has_type(value, "number") and value < rule:
                yield f"{path}: {value} is below {rule}"
        elif key == "exclusiveMinimum":
            if has_type(value, "number") and value <= rule:
                yield f"{path}: {value} is not above {rule}"
        elif key in ("minItems", "maxItems"):
            if isinstance(value, list):
                wrong = len(value) < rule if key == "minItems" else len(value) > rule
                if wrong:
                    yield f"{path}: {len(value)} items, {key} is {rule}"
        else:
            raise SystemExit(f"keyword {key} of the schema is unknown to this check")


def second_opinion(value, schema):
    try:
        import jsonschema
    except ImportError:
        return
    validator = jsonschema.Draft202012Validator(schema)
    for error in validator.iter_errors(value):
        yield f"{error.json_path}: {error.message}"


def main():
    failed = False
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = json.load(file)
    for name in sys.argv[2:]:
        with open(name, encoding="utf-8") as file:
            value = json.load(file)
        for reason in [*problems(value, schema, schema), *second_opinion(value, schema)]:
            print(f"{name}: {reason}")
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
