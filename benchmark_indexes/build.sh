#!/bin/sh
# Rebuild the shipped indexes from the benchmarks in a folder; see README.md for their fields.
set -eu
[ $# -eq 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
dataaudit=${DATAAUDIT:-dataaudit}

"$dataaudit" benchmarks build "$1"/gsm8k_test* -o "$here/gsm8k-test.benchmark" --name gsm8k --split test \
  --licence MIT --source https://github.com/openai/grade-school-math \
  --columns question=question --columns answer=answer --columns id=eval_instance_index
"$dataaudit" benchmarks build "$1"/humaneval* -o "$here/humaneval.benchmark" --name humaneval \
  --licence MIT --source https://github.com/openai/human-eval \
  --columns question=prompt --columns answer=canonical_solution --columns id=task_id
"$dataaudit" benchmarks build "$1"/mmlu_test* -o "$here/mmlu-test.benchmark" --name mmlu --split test \
  --licence MIT --source https://github.com/hendrycks/test \
  --columns question=question --columns answer=answer --columns correct=is_correct --columns id=eval_instance_index
