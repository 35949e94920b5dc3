#!/bin/sh
# Fetches an artifact of this run's earlier attempts, where there is one: sh tools/delivery/recall.sh NAME FOLDER
# A run that is started again deploys the same bytes, so that a failure to ask is a failure.
set -eu
name=$1 folder=$2
runs="repos/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID/artifacts"
found=false
if [ "$GITHUB_RUN_ATTEMPT" -gt 1 ]; then
  artifacts=$(gh api --paginate "$runs" --jq '.artifacts[] | select(.expired | not) | .name')
  if printf '%s\n' "$artifacts" | grep -qxF -- "$name"; then
    gh run download "$GITHUB_RUN_ID" --repo "$GITHUB_REPOSITORY" --name "$name" --dir "$folder"
    found=true
  fi
fi
echo "found=$found" >> "$GITHUB_OUTPUT"
