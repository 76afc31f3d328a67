"""The shapes of well-known credentials: a table, one row each, and what may hold one at all.

They are part of the rules (see DESIGN, "Rules have a version"): the same on every machine, pure.
Values of the environment are in `redaction.py`. Every pattern takes linear time.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

SHORTEST = 16
"""No shape is shorter, and each has as many characters of a run in a row, or a mark."""
_MARKS = ("://", "-----BEGIN", "='", '="')
_IN_A_RUN = "A-Za-z0-9_+/=.~%$-"
_RUN = re.compile(f"[{_IN_A_RUN}]{{{SHORTEST},}}+")
_AS_RUN = bytes(ord("x") if re.match(f"[{_IN_A_RUN}]", chr(n)) else ord(" ") for n in range(256))
_SHORTEST_RUN = b"x" * SHORTEST


class Span(NamedTuple):
    """Where in a text a credential stands, and of which kind it is."""

    start: int
    end: int
    kind: str


class Shape(NamedTuple):
    """One shape: a text without any of the needles (in lower case) cannot match the pattern.

    Where the pattern has a group, that is the credential, and the rest is its context. A `token`
    has none: it stands within one run.
    """

    kind: str
    needles: tuple[str, ...]
    pattern: re.Pattern[str]
    token: bool = False


def _shape(kind: str, needles: str, pattern: str, flags: str = "a") -> Shape:
    return Shape(kind, tuple(needles.split()), re.compile(f"(?{flags}){pattern}"))


def _token(kind: str, needles: str, pattern: str) -> Shape:
    """A token that is known by its beginning, which no letter or digit stands before.

    The beginning comes first in the expression, so that the search for it is quick.
    """
    found = re.match(r"[\w-]*", pattern)
    begin = found[0] if found else ""
    whole = f"(?a){begin}(?<![A-Za-z0-9]{begin}){pattern[len(begin) :]}"
    return Shape(kind, tuple(needles.split()), re.compile(whole), token=True)


def _behind(word: str, names: str) -> str:
    """The word behind one of the names; it comes first, so that the search is quick."""
    both = [f"(?<={name}{joint}{word})" for name in names.split() for joint in ("", "[_-]")]
    return f"{word}(?:{'|'.join(both)})"


_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_NAMES = {
    "key": "api app bot secret master license",
    "token": "api app auth access bot",
    "secret": "api app client webhook",
}
_NAMED = (
    "(?:" + "|".join(_behind(word, names) for word, names in _NAMES.items()) + ")"
    r"[\"']?\s{0,3}[:=]\s{0,3}[\"']?"
)
_END = r"(?![A-Za-z0-9])"

SHAPES: tuple[Shape, ...] = (
    # keys and signed tokens
    _shape(
        "private-key",
        "-----begin",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?=(?:\s|\\[nr]){0,9}+[A-Za-z0-9+/])"
        r"(?:[A-Za-z0-9+/=\s:,.]|\\[nr]|-(?!-))*+"
        r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?",
    ),
    _token("private-key", "age-secret-key-", r"AGE-SECRET-KEY-1[A-Z0-9]{58}"),
    _token("jwt", "eyj", r"eyJ[\w-]{10,}+\.eyJ[\w-]{10,}+\.[\w-]{16,}"),
    # models
    _token("anthropic-key", "sk-ant-", r"sk-ant-[\w-]{16,}"),
    _token("api-key", "sk-", r"sk-(?:proj|svcacct|admin|None)-[\w-]{40,}"),
    _token("api-key", "sk-", r"sk-(?:[a-z0-9]{1,12}-){0,3}\w{32}[\w-]*"),
    _token("api-key", "sk_", r"sk_[0-9a-f]{48}"),
    _token("huggingface-token", "hf_ api_org_", r"(?:hf|api_org)_[A-Za-z0-9]{34,}"),
    _token("replicate-token", "r8_", r"r8_[A-Za-z0-9]{37,}"),
    _token("api-key", "gsk_ xai- pplx- csk-", r"(?:gsk_|xai-|pplx-|csk-)[A-Za-z0-9]{40,}"),
    _token("api-key", "nvapi- pcsk_ tvly-", r"(?:nvapi-|pcsk_|tvly-(?:dev-|prod-)?)[\w-]{32,}"),
    _token("langsmith-key", "lsv2_", r"lsv2_[a-z]{2}_[0-9a-f]{32}_[0-9a-f]{10}"),
    # clouds
    _token(  # those of Amazon's own documentation are known to be none
        "aws-key",
        "akia asia abia acca",
        r"A(?:KIA|SIA|BIA|CCA)(?![A-Z0-9]{0,9}EXAMPLE)[A-Z0-9]{16}" + _END,
    ),
    _token("aws-key", "absk", r"ABSK[A-Za-z0-9+/]{109,}={0,2}"),
    _shape(
        "aws-secret",
        "secret",
        r"secret_?(?:access)?_?key[\"']?\s{0,4}[:=]\s{0,4}[\"']?([A-Za-z0-9/+]{40})(?![\w/+=])",
        "ai",
    ),
    _shape(
        "aws-session",
        "session",
        r"session_?token[\"']?\s{0,4}[:=]\s{0,4}[\"']?(?![\w/+]{0,80}EXAMPLE)([\w/+=]{100,})",
        "ai",
    ),
    _token("google-key", "aiza", r"AIza[\w-]{35,}"),
    _token("google-secret", "gocspx-", r"GOCSPX-[\w-]{20,}"),
    _token("google-token", "ya29.", r"ya29\.[\w-]{20,}"),
    _token("google-token", "1//0", r"1//0[\w-]{40,}"),
    _shape("azure-key", "accountkey=", r"AccountKey=([A-Za-z0-9+/]{80,}={0,2})"),
    _shape("azure-key", "accesskey=", r"SharedAccessKey=([A-Za-z0-9+/]{40,}={0,2})"),
    _shape("azure-signature", "sig=", r"[?&;]sig=([A-Za-z0-9+/%]{40,}={0,2})"),
    _shape("azure-secret", "q~", r"(?<![\w~.-])[\w~.]{3}[0-9]Q~[\w~.-]{31,34}(?![\w~-])"),
    _token("alibaba-key", "ltai", r"LTAI[A-Za-z0-9]{12,20}" + _END),
    _token("tencent-key", "akid", r"AKID[A-Za-z0-9]{32}" + _END),
    _token("yandex-key", "aqvn", r"AQVN[\w-]{35,38}(?![\w-])"),
    _token("digitalocean-token", "_v1_", r"do[opr]_v1_[0-9a-f]{64}"),
    _token("heroku-key", "hrku-", r"HRKU-[\w-]{36,}"),
    _token("cloudflare-key", "v1.0-", r"v1\.0-[0-9a-f]{24}-[0-9a-f]{146}"),
    _token("fly-token", "fo1_ fm1 fm2_", r"(?:fo1_[\w-]{43}|fm(?:1[ar]|2)_[A-Za-z0-9+/]{100,}=*)"),
    _token("netlify-token", "nfp_", r"nfp_[A-Za-z0-9]{36,}"),
    _token("databricks-token", "dapi", r"dapi[0-9a-f]{32}(?:-[0-9])?" + _END),
    # where code and packages live
    _token("github-token", "ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{36,}"),
    _token("github-token", "github_pat_", r"github_pat_\w{22,}"),
    _token("gitlab-token", "gl", r"gl(?:pat|dt|rt|ptt|oas|soat|ft|ffct|imt|agent)-[\w.-]{20,}"),
    _token("gitlab-token", "glcbt- gr1348941", r"(?:glcbt-\w{1,5}_|GR1348941)[\w-]{20,}"),
    _token("atlassian-token", "atatt3 atctt3", r"AT[AC]TT3[\w=-]{50,}"),
    _token("bitbucket-token", "atbb", r"ATBB[A-Za-z0-9]{32,}"),
    _token("npm-token", "npm_", r"npm_[A-Za-z0-9]{36,}"),
    _token("pypi-token", "pypi-", r"pypi-[\w-]{50,}"),
    _token("rubygems-token", "rubygems_", r"rubygems_[0-9a-f]{48}"),
    _token("nuget-key", "oy2", r"oy2[a-z0-9]{43}" + _END),
    _token("crates-token", "cio", r"cio[A-Za-z0-9]{32}" + _END),
    _token("docker-token", "dckr_", r"dckr_[po]at_[\w-]{27,}"),
    _token("artifactory-key", "akcp", r"AKCp[A-Za-z0-9]{60,}"),
    _token("artifactory-key", "cmvmd", r"cmVmd[A-Za-z0-9]{59}" + _END),
    _token("sonar-token", "squ_ sqp_ sqa_", r"sq[upa]_[0-9a-f]{40}"),
    _token("circleci-token", "ccipat_ cciprj_", r"CCI(?:PAT|PRJ)_[A-Za-z0-9]{20,}_[0-9a-f]{40}"),
    _token("buildkite-token", "bkua_", r"bkua_[0-9a-f]{40}"),
    # chat and mail
    _token("slack-token", "xox", r"xox[abeoprs](?:\.xox[bp])?-[A-Za-z0-9-]{16,}"),
    _token("slack-token", "xapp-", r"xapp-[0-9]-[A-Za-z0-9-]{16,}"),
    _shape("webhook", "hooks.slack.com", r"hooks\.slack\.com/[a-z]{5,12}/([\w/-]{20,})"),
    _shape("webhook", "/api/webhooks/", r"/api/webhooks/([0-9]{17,20}/[\w-]{40,})"),
    _shape("webhook", ".webhook.office.com", r"\.webhook\.office\.com/webhookb2/([\w@/-]{60,})"),
    _token(
        "discord-token",
        ".",
        r"[MNO](?=[A-Za-z]{0,24}[0-9])[A-Za-z0-9]{23,27}\.[\w-]{6}\.(?=[A-Za-z_-]{0,36}[0-9])"
        r"[\w-]{27,38}(?![\w-])",
    ),
    _shape("telegram-token", ":a", r"(?<![A-Za-z0-9])[0-9]{8,10}:A[\w-]{34}(?![\w-])"),
    _token("twilio-key", "sk", r"SK[0-9a-f]{32}" + _END),
    _token("sendgrid-key", "sg.", r"SG\.[\w-]{22}\.[\w-]{43}"),
    _token("mailgun-key", "key-", r"key-[0-9a-f]{32}" + _END),
    _token("mailchimp-key", "-us", r"[0-9a-f]{32}-us[0-9]{1,2}" + _END),
    _token("brevo-key", "xkeysib- xsmtpsib-", r"x(?:key|smtp)sib-[0-9a-f]{64}-[A-Za-z0-9]{16}"),
    _token("resend-key", "re_", r"re_[A-Za-z0-9]{8}_[A-Za-z0-9]{24}" + _END),
    # payment and shops
    _token("stripe-key", "k_live_ k_test_", r"[sr]k_(?:live|test)_[A-Za-z0-9]{20,}"),
    _token("webhook-secret", "whsec_", r"whsec_[A-Za-z0-9+/]{24,}={0,2}"),
    _token("square-token", "sq0", r"sq0(?:atp|csp|idp)-[\w-]{22,}"),
    _token("square-token", "eaaa", r"EAAAE[\w-]{59}(?![\w/+=-])"),
    _token("facebook-token", "eaa", r"EAA(?<![/+]EAA)[A-Z][A-Za-z0-9]{100,}(?![/+=])"),
    _token("paypal-token", "access_token$", r"access_token\$\w{7,10}\$[0-9a-z]{16}\$[0-9a-f]{32}"),
    _token("shopify-token", "shp", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    _token("plaid-token", "access-", rf"access-(?:sandbox|development|production)-{_UUID}"),
    _token("flutterwave-key", "flwseck", r"FLWSECK(?:_TEST)?-[0-9A-Za-z]{12,}(?:-X)?"),
    # infrastructure and tools
    _token("vault-token", "hvs. hvb. hvr.", r"hv[sbr]\.[\w-]{24,}"),
    _token("terraform-token", ".atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.[\w-]{60,}"),
    _token("pulumi-token", "pul-", r"pul-[0-9a-f]{40}"),
    _token("doppler-token", "dp.", r"dp\.(?:pt|st|ct|sa|scim|audit)\.[\w.-]{40,}"),
    _token("onepassword-token", "ops_eyj", r"ops_eyJ[A-Za-z0-9+/]{100,}={0,3}"),
    _token("onepassword-key", "a3-", r"A3-[A-Z0-9]{6}-[A-Z0-9]{6}(?:-?[A-Z0-9]{5}){4}" + _END),
    _token("supabase-key", "sbp_", r"sbp_[0-9a-f]{40}"),
    _token("supabase-key", "sb_secret_", r"sb_secret_[\w-]{20,}"),
    _token("planetscale-token", "pscale_", r"pscale_(?:tkn|pw|oauth)_[\w=.-]{32,}"),
    _token("neon-key", "napi_", r"napi_[a-z0-9]{64}"),
    _token("grafana-token", "glsa_", r"glsa_[A-Za-z0-9]{32}_[0-9a-fA-F]{8}"),
    _token("grafana-token", "glc_", r"glc_[A-Za-z0-9+/]{32,}={0,3}"),
    _token("grafana-token", "eyjrijoi", r"eyJrIjoi[A-Za-z0-9]{60,}={0,3}"),
    _token("newrelic-key", "nrak-", r"NRAK-[A-Z0-9]{27}"),
    _token("newrelic-key", "nral", r"[0-9a-f]{36}(?:FFFF)?NRAL" + _END),
    _token("sentry-token", "sntryu_", r"sntryu_[0-9a-f]{64}"),
    _token("sentry-token", "sntrys_", r"sntrys_eyJ[A-Za-z0-9+/=_]{40,}"),
    _token("dynatrace-token", "dt0c01.", r"dt0c01\.[A-Z0-9]{24}\.[A-Z0-9]{64}"),
    _shape("okta-token", "ssws ", r"SSWS {1,4}(00[\w-]{40})"),
    _token("linear-key", "lin_", r"lin_(?:api|oauth)_[A-Za-z0-9]{40,}"),
    _token("notion-token", "ntn_", r"ntn_[A-Za-z0-9]{40,}"),
    _token("notion-token", "secret_", r"secret_[A-Za-z0-9]{43}" + _END),
    _token("airtable-token", "pat", r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}"),
    _token("hubspot-token", "pat-", rf"pat-[a-z]{{2}}[0-9]-{_UUID}"),
    _token("postman-key", "pmak-", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    _token("figma-token", "figd_", r"figd_[\w-]{40,}"),
    _token("dropbox-token", "sl.", r"sl\.(?:u\.)?[\w-]{100,}"),
    _token("mapbox-token", "sk.eyj", r"sk\.eyJ[\w-]{20,}\.[\w-]{20,}"),
    _token("contentful-token", "cfpat-", r"CFPAT-[\w-]{43}"),
    _token("openshift-token", "sha256~", r"sha256~[\w-]{43}(?![\w-])"),
    # known by the name before it
    _shape(
        "token",
        "bearer",
        r"\bbearer\s{1,4}(?=[a-z._~+/=-]{0,100}[0-9])([A-Za-z0-9._~+/=-]{20,})",
        "ai",
    ),
    _shape(
        "basic-login",
        "basic",
        r"\bauthorization[\"']?\s{0,4}:\s{0,4}[\"']?basic\s{1,4}([A-Za-z0-9+/]{16,}={0,2})",
        "ai",
    ),
    _shape(
        "password",
        "://",
        r"://[^\s/:@,\[\]]{0,100}:(?![${<*%]|\[redacted:"  # a placeholder, and plain words
        r"|(?:[A-Z]?[a-z]++|[A-Z]++)(?:(?:[_-]|%20)(?:[A-Z]?[a-z]++|[A-Z]++)){0,5}@)"
        r"([^\s/@\"'\\<>]{4,200})@",
    ),
    _shape(
        "named-key",
        "key token secret",
        rf"{_NAMED}((?:[0-9a-f]{{32}}|[0-9a-f]{{40}}|[0-9a-f]{{64}}|{_UUID})(?![\w-])"
        r"|(?=[a-z_-]{0,60}[0-9])(?-i:(?=[a-z0-9_-]{0,60}[A-Z])(?=[A-Z0-9_-]{0,60}[a-z]))"
        r"[\w-]{24,}+={0,2}+(?![\w.(\[]))",
        "ai",
    ),
    _shape(
        "variable",
        "key= token= secret= password= passwd= pwd=",
        r"(?<![\w$])(?=[A-Z0-9_]{7})[A-Z][A-Z0-9_]{0,60}(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PWD)="
        r"[\"']?(?!0x)(?=[^\s\"'$<{\\),;]{0,60}[0-9])(?=[^\s\"'$<{\\),;]{0,60}[A-Za-z])"
        r"([^\s\"'$<{\\(),;]{8,200})(?![\w(])",
        "a",
    ),
)


_TOKENS, _IN_CONTEXT = (
    [(needle, shape) for shape in SHAPES if shape.token is is_token for needle in shape.needles]
    for is_token in (True, False)
)


def may_hold_shape(text: str) -> bool:
    """Whether the text could hold a credential at all: quick, and asked before everything else."""
    if len(text) < SHORTEST:
        return False
    mapped = text.encode("utf-8", "replace").translate(_AS_RUN)
    return _SHORTEST_RUN in mapped or any(mark in text for mark in _MARKS)


def shapes_in(text: str) -> Iterator[Span]:
    """Every place of a well-known credential in the text; they may overlap."""
    if not may_hold_shape(text):
        return
    yield from _found(text, _IN_CONTEXT)
    runs = [run.span() for run in _RUN.finditer(text)]
    starts = [0, *accumulate(end - start + 1 for start, end in runs)]
    for start, end, kind in _found(" ".join(text[start:end] for start, end in runs), _TOKENS):
        place = bisect_right(starts, start) - 1
        shift = runs[place][0] - starts[place]
        yield Span(start + shift, end + shift, kind)


def _found(text: str, shapes: Sequence[tuple[str, Shape]]) -> Iterator[Span]:
    lowered = text.lower()
    for shape in dict.fromkeys(shape for needle, shape in shapes if needle in lowered):
        for found in shape.pattern.finditer(text):
            yield Span(*found.span(shape.pattern.groups), shape.kind)
