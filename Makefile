# Every command a developer, a user and CI need; `make` lists them.
PYTHON ?= python3
export AGREED STACK CONTEXT CLUSTER PORT BACKEND_IMAGE FRONTEND_IMAGE APP BACKEND VERSION OUT SECRET_STORE SECRET_PATH BASE REPORT SUBJECT DRILL RUNS RATE BENCH AGAINST PART ORDER KEEP ALL ASK AUDIT FROM FROM_PASSWORD REPLACE AT Q TIER ID METRICS SLOW

# Without compiled modules every process, the language host of a deployment too, would compile the program anew.
unexport PYTHONDONTWRITEBYTECODE

# A lane's own tests but for the slow ones, which acceptance runs; or what TEST names, slow or not:
# make state TEST=tests/state/test_move.py
selected = $(if $(filter only,$(SLOW)),-m slow,$(if $(filter yes,$(SLOW)),,-m "not slow"))
pytest = .venv/bin/python -m pytest -q $(if $(LANE_FOLDER),--junitxml="$$LANE_FOLDER/$@.xml") $(if $(TEST),"$$TEST",$(selected) $(1))
$(if $(filter-out yes no only,$(SLOW)),$(error SLOW is $(SLOW), and says which tests of a lane run: yes for all, no for all but the slow ones, only for the slow ones: make state SLOW=only))

.DEFAULT_GOAL := help
.PHONY: help venv up down status logs trace observe unobserve shell preview drift audit pull-request-preview rollback store unstore backups proof restore import-data adopt destroy backend backend-policy backend-restore deployer-role images-pin versions picture render lint types unit apiserver state policies judges delivery app postgres e2e acceptance drill bench browser postgresql test clean-cache

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-20s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  variables: STACK=dev CONTEXT=(your cluster) PORT=8080 APP=(folder of your own) BACKEND_IMAGE= FRONTEND_IMAGE= BASE=origin/main METRICS=(a Prometheus API of yours) TEST=(one of a lane)"

venv:
	@$(PYTHON) -m tools.toolchain.environment

up: ## FeastFlow on a real Kubernetes, from nothing to its address
	@$(PYTHON) -m tools.toolchain.environment $(if $(CONTEXT),,up)
	@.venv/bin/python -m tools.cli up

status: venv ## the nodes, the pods and the site as they are, and the last hour
	@.venv/bin/python -m tools.cli status

logs: venv ## lines of the stack's logs, last hour: Q=(LogsQL) TIER=backend; ALL=yes: every namespace
	@.venv/bin/python -m tools.cli logs

trace: venv ## one request from the edge to its SQL, and its log lines: ID=(its trace_id)
	@.venv/bin/python -m tools.cli trace

observe: venv ## metrics, logs, traces and alerts of the local cluster, and their addresses
	@.venv/bin/python -m tools.cli observe

unobserve: venv ## delete what `make observe` made, and nothing else
	@.venv/bin/python -m tools.cli unobserve

shell: venv ## kubectl and pulumi for your shell: give its output to eval
	@.venv/bin/python -m tools.cli shell

preview: venv ## what `make up` would change; without a cluster, from the state alone
	@.venv/bin/python -m tools.cli preview

drift: venv ## what others changed on the cluster since the last deployment; exit code 2: anything
	@.venv/bin/python -m tools.cli drift

audit: venv ## who may do what in the stack's namespace, from the live RBAC; ALL=yes: Kubernetes' own too
	@.venv/bin/python -m tools.cli audit

rollback: venv ## the settings and images of the release before, deployed again
	@.venv/bin/python -m tools.cli rollback

store: venv ## a store for backups on the local cluster, and its key for the stack
	@.venv/bin/python -m tools.store up

unstore: venv ## delete that store and every backup in it
	@.venv/bin/python -m tools.store down

backups: venv ## which copies of the database there are, and to which moment it can be restored
	@.venv/bin/python -m tools.cli backups

proof: venv ## restore the newest backup into a server of its own, now, and say what is in it
	@.venv/bin/python -m tools.cli proof

restore: venv ## the database as it was AT='moment', beside the running one; REPLACE= brings it over
	@.venv/bin/python -m tools.cli restore

import-data: venv ## another database into the stack's: FROM=postgres://…, namespace/pod or dump.sql.gz
	@.venv/bin/python -m tools.cli import-data

adopt: venv ## take over a FeastFlow that kubectl applied, with its data
	@.venv/bin/python -m tools.cli adopt

render: venv ## the namespace as numbered manifests for GitOps, without a cluster
	@.venv/bin/python -m tools.render

versions: venv ## pins, their newest and their support's end: ASK=yes, AUDIT=yes ask the registries
	@.venv/bin/python -m tools.versions

picture: venv ## the pictures of docs/architecture.md, drawn from the manifests
	@.venv/bin/python -m tools.picture

pull-request-preview: venv ## what this checkout changes in every stack since BASE; AGREED=label; no cluster, no keys
	@.venv/bin/python -m tools.delivery preview

destroy: venv ## delete the stack, keep the cluster
	@.venv/bin/python -m tools.cli destroy

backend: venv ## move the stack's state: BACKEND=s3://bucket (made if need be) or BACKEND=local
	@.venv/bin/python -m tools.cli backend

backend-policy: venv ## what IAM must allow to deploy this stack with its state on S3, as JSON
	@.venv/bin/python -m tools.cli backend-policy

deployer-role: venv ## what RBAC must allow to deploy this stack, as YAML: SUBJECT=(user at the API server)
	@.venv/bin/python -m tools.delivery deployer-role

images-pin: venv ## digests with the tags in the stack's file; ALL=yes: also of what has one
	@.venv/bin/python -m tools.delivery pin

backend-restore: venv ## bring a lost or damaged state on S3 back, or the one named by VERSION=
	@.venv/bin/python -m tools.cli backend-restore

down: venv ## delete everything, leave the machine as it was
	@.venv/bin/python -m tools.cli down

lint: venv ## ruff over everything, formatting included, and which layer may import which
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/lint-imports --no-logo --cache-dir "$${XDG_CACHE_HOME:-$$HOME/.cache}/feastflow/imports"

types: venv ## mypy, strict
	@.venv/bin/mypy --cache-dir "$${XDG_CACHE_HOME:-$$HOME/.cache}/feastflow/mypy"

unit: venv ## what needs no cluster: components with mocked providers, settings, tools
	@$(call pytest,--numprocesses 2 --dist loadfile tests/unit tests/tools tests/render tests/picture tests/drills tests/bench tests/lanes)

apiserver: venv ## a real API server without nodes: admission, tenancy, refusals, cut-off updates; no cluster
	@$(call pytest,--numprocesses 2 --durations 10 tests/apiserver)

state: venv ## a stack moved to S3 and back, and faults on the way, by the real CLI; no cluster, no AWS
	@$(call pytest,tests/state)

policies: venv ## the policy pack: rules, mutants, and previews by the real engine; no cluster
	@$(call pytest,tests/policies)

judges: venv ## what Pod Security, kube-score, checkov and each Kubernetes say of the manifests
	@$(call pytest,tests/judges)

delivery: venv ## previews of pull requests, the workflows' steps, and the workflows themselves
	@$(call pytest,tests/delivery)

app: venv ## the demo application's own tests, against a real PostgreSQL where one is installed
	@$(call pytest,demo/backend/tests)
	@if command -v node >/dev/null; then cd demo/frontend && node --test; else echo "no node here: the page's own tests are left out"; fi

postgres: venv postgresql ## the database's scripts, roles, TLS and pooler on a real PostgreSQL, and three drivers
	@$(call pytest,tests/postgres)

e2e: venv browser ## one short path on a real cluster of its own: from nothing to a site, a failure, nothing
	@$(call pytest,--durations 20 tests/e2e)

acceptance: venv browser ## everything else, most of it on a real cluster: PART=name[,name] KEEP=yes ORDER=seed
	@.venv/bin/python -m tests.acceptance

drill: venv ## failures under load on the running stacks, measured: DRILL=name[,name] RUNS=n
	@.venv/bin/python -m tools.drills

bench: venv ## the stack as ratios to kubectl, Helm and OpenTofu: BENCH=name[,name] AGAINST= RUNS=n
	@.venv/bin/python -m tools.bench

browser:
	@command -v chromium >/dev/null && command -v chromedriver >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium chromium-driver; } >/dev/null

postgresql:
	@{ ls /usr/lib/postgresql/*/bin/initdb && ls /usr/sbin/pgbouncer; } >/dev/null 2>&1 || { apt-get update -qq && apt-get install -y -qq --no-install-recommends postgresql pgbouncer; } >/dev/null

test: venv ## every lane but its slow tests, and a table of them at the end; CI runs this
	@.venv/bin/python -m tests.lanes lint types unit apiserver postgres state policies delivery judges app e2e --alone unit e2e

clean-cache: ## free what the current pins do not use; ALL=yes: everything, after `make down`
	@$(PYTHON) -m tools.cli.clean
