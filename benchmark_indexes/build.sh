#!/bin/sh
# Rebuild the shipped indexes from the benchmarks in a folder; see README.md for their fields.
set -eu
[ $# -ge 1 ] && [ $# -le 2 ] || { echo "usage: $0 FOLDER [OUT]" >&2; exit 2; }
out=${2:-$(cd "$(dirname "$0")" && pwd)}
dataaudit=${DATAAUDIT:-dataaudit}

"$dataaudit" benchmarks build "$1"/gsm8k_test* -o "$out/gsm8k-test.benchmark" --name gsm8k --split test \
  --licence MIT --source https://github.com/openai/grade-school-math --known-train "$1/gsm8k_train*" \
  --columns question=question --columns answer=answer --columns id=eval_instance_index
"$dataaudit" benchmarks build "$1"/humaneval* -o "$out/humaneval.benchmark" --name humaneval \
  --licence MIT --source https://github.com/openai/human-eval \
  --columns question=prompt --columns answer=canonical_solution --columns id=task_id
"$dataaudit" benchmarks build "$1"/mmlu_test* -o "$out/mmlu-test.benchmark" --name mmlu --split test \
  --licence MIT --source https://github.com/hendrycks/test \
  --columns question=question --columns answer=answer --columns correct=is_correct --columns id=eval_instance_index
