#!/usr/bin/env bash
# Takes the one job it is registered for, and ends with it.
set -euo pipefail
: "${REGISTRATION_FILE:?}"
# The variable the runner reads it from; an argument would be in the list of processes.
ACTIONS_RUNNER_INPUT_JITCONFIG=$(<"$REGISTRATION_FILE")
export ACTIONS_RUNNER_INPUT_JITCONFIG
rm "$REGISTRATION_FILE"
exec "${RUNNER_FOLDER:-/home/runner}/run.sh"
