# Every command a developer, a user and CI need; `make` lists them.
PYTHON ?= python3
export STACK CONTEXT CLUSTER PORT BACKEND_IMAGE FRONTEND_IMAGE

.DEFAULT_GOAL := help
.PHONY: help venv up down status preview destroy lint types unit test clean-cache

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  variables: STACK=dev CONTEXT=(your cluster) PORT=8080 BACKEND_IMAGE= FRONTEND_IMAGE="

venv:
	@$(PYTHON) -m toolchain.environment

up: venv ## FeastFlow on a real Kubernetes, from nothing to its address
	@.venv/bin/python -m local up

status: venv ## the nodes, the pods and the site as they are
	@.venv/bin/python -m local status

preview: venv ## what `make up` would change
	@.venv/bin/python -m local preview

destroy: venv ## take the stack away, leave the cluster
	@.venv/bin/python -m local destroy

down: venv ## take everything away, leave the machine as it was
	@.venv/bin/python -m local down
