"""Ids that exist, in the place of random ones: the own ones, and now and then another tenant's."""

import json
import os
import random
import re

import schemathesis

served = json.loads(os.environ["EVERDRAFT_SERVED"])
own = int(os.environ["EVERDRAFT_TENANT"])
own_tokens = [tenant["token_id"] for tenant in served["tenants"]]
uuid = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.IGNORECASE)
chance = random.Random(1)


def kind_of(name, path, method):
    if name != "id":
        return name.removesuffix("_id")
    if path.startswith(("/sends/", "/track/")):
        return "send"
    if path.startswith("/tokens/"):
        return "token"
    if path.startswith("/webhooks/"):
        return "webhook"
    # What is removed or loses its server is not needed for anything else.
    return "spare" if method in ("DELETE", "PATCH") and path == "/accounts/{id}" else "account"


@schemathesis.hook
def before_call(context, case, kwargs):
    whose = own if chance.random() < 0.85 else 1 - own
    for name, value in (case.path_parameters or {}).items():
        known = served["tenants"][whose]["ids"].get(kind_of(name, case.operation.path, case.method.upper()))
        if not known or not isinstance(value, str) or not uuid.match(value):
            continue
        # The fuzzer remembers ids that it has seen, its own token's among them: without that it is let in no more.
        if chance.random() < 0.85 or value.lower() in own_tokens:
            case.path_parameters[name] = chance.choice(known)
    # One draft is one message: which parameters go together no schema says.
    if case.operation.path.endswith("/export") and (case.query or {}).get("format") == "eml":
        drafts = case.query.get("draft_id")
        if not isinstance(drafts, list) or len(drafts) != 1:
            case.query["format"] = "mbox"
    if case.operation.path.endswith("/draft-manager") and isinstance(case.body, dict):
        fill_envelope(case.body, served["tenants"][whose]["ids"])


def fill_envelope(body, ids):
    """Else hardly a request would be about a draft that there is."""
    if chance.random() < 0.95:
        body.pop("accountId", None)
    for part in (body, body.get("draft")):
        if not isinstance(part, dict):
            continue
        for name in ("accountId", "tenantId", "userId"):
            if part is not body and chance.random() < 0.95:
                part.pop(name, None)
        if ids.get("draft") and "draftId" in part and chance.random() < 0.7:
            part["draftId"] = ids["draft"][0]
