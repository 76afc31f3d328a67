"""Fifty usual credentials as their issuers document them, made up when the tests run.

Prefixes are put together here, so that no scanner takes this file for a leak.
"""

from __future__ import annotations

import base64
import random
import string
from typing import NamedTuple

HEX = "0123456789abcdef"
UPPER = string.ascii_uppercase + string.digits
LOWER = string.ascii_lowercase + string.digits
MIXED = string.ascii_letters + string.digits
URL = MIXED + "_-"
BASE64 = MIXED + "+/"

_random = random.Random("fifty usual credentials")


def chars(alphabet: str, length: int) -> str:
    """Made up, with a digit, and of more than one case where the alphabet has two."""
    while True:
        made = "".join(_random.choices(alphabet, k=length))
        kinds = [str.isdigit, str.islower, str.isupper]
        if all(any(map(kind, made)) for kind in kinds if any(map(kind, alphabet))):
            return made


class Example(NamedTuple):
    """A text with a credential, and the credential."""

    text: str
    secret: str


def _example(marked: str) -> Example:
    """Of a text in which `«` and `»` mark the credential, unless it is all of it."""
    text = marked.replace("«", "").replace("»", "")
    return Example(text, marked.partition("«")[2].partition("»")[0] or text)


def uuid() -> str:
    return "-".join(chars(HEX, length) for length in (8, 4, 4, 4, 12))


def _json64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _jwt() -> str:
    head, body = _json64('{"alg":"HS256","typ":"JWT"}'), _json64('{"sub":"1234567890"}')
    return f"{head}.{body}.{chars(URL, 43)}"


def _pem(kind: str) -> str:
    lines = "\n".join(chars(BASE64, 64) for _ in range(5))
    return f"-----BEGIN {kind}" + f" KEY-----\n{lines}\n-----END {kind}" + " KEY-----"


def fifty() -> dict[str, Example]:
    """Name and example of each; where only what stands around tells a credential, with that."""
    written = {
        "Anthropic API key": "sk-" + "ant-api03-" + chars(URL, 93) + "AA",
        "OpenAI project key": "sk-" + "proj-" + chars(URL, 74) + "T3BlbkFJ" + chars(URL, 74),
        "OpenAI legacy key": "sk-" + chars(MIXED, 20) + "T3BlbkFJ" + chars(MIXED, 20),
        "OpenRouter key": "sk-" + "or-v1-" + chars(HEX, 64),
        "Hugging Face token": "hf" + "_" + chars(string.ascii_letters, 34),
        "Groq key": "gsk" + "_" + chars(MIXED, 52),
        "Replicate token": "r8" + "_" + chars(MIXED, 37),
        "Google API key": "AI" + "za" + chars(URL, 35),
        "Google OAuth client secret": "GOC" + "SPX-" + chars(URL, 28),
        "Google OAuth access token": "ya" + "29." + chars(URL, 120),
        "AWS access key id": "AK" + "IA" + chars(UPPER, 16),
        "AWS temporary key id": "AS" + "IA" + chars(UPPER, 16),
        "AWS secret key": "aws_secret_access_key = «" + chars(BASE64, 40) + "»",
        "Azure storage key": "AccountName=a;Account" + "Key=«" + chars(BASE64, 86) + "==»",
        "Azure client secret": chars(MIXED, 3) + "8Q" + "~" + chars(URL, 34),
        "DigitalOcean token": "dop" + "_v1_" + chars(HEX, 64),
        "Heroku key": "HEROKU_API_KEY=«" + uuid() + "»",
        "Cloudflare token": "CLOUDFLARE_API_TOKEN=«" + chars(URL, 40) + "»",
        "Databricks token": "da" + "pi" + chars(HEX, 32),
        "GitHub personal token": "gh" + "p_" + chars(MIXED, 36),
        "GitHub fine-grained token": "github" + "_pat_" + chars(MIXED, 22) + "_" + chars(MIXED, 59),
        "GitHub app token": "gh" + "s_" + chars(MIXED, 36),
        "GitLab personal token": "gl" + "pat-" + chars(URL, 20),
        "GitLab runner token": "gl" + "rt-" + chars(URL, 20),
        "Bitbucket app password": "AT" + "BB" + chars(MIXED, 32),
        "Atlassian API token": "ATA" + "TT3xFfGF0" + chars(URL, 170) + "=" + chars(UPPER, 8),
        "npm token": "np" + "m_" + chars(MIXED, 36),
        "PyPI token": "py" + "pi-AgEIcHlwaS5vcmc" + chars(URL, 120),
        "RubyGems key": "ruby" + "gems_" + chars(HEX, 48),
        "crates.io token": "ci" + "o" + chars(MIXED, 32),
        "Docker Hub token": "dckr" + "_pat_" + chars(URL, 27),
        "Slack bot token": "xo"
        + f"xb-{chars('123456789', 12)}-{chars('12345', 12)}-{chars(MIXED, 24)}",
        "Slack webhook": "https://hooks.slack"
        + f".com/services/«T{chars(UPPER, 8)}/B{chars(UPPER, 8)}/{chars(MIXED, 24)}»",
        "Discord bot token": "M" + chars(MIXED, 25) + "." + chars(MIXED, 6) + "." + chars(URL, 38),
        "Telegram bot token": chars("123456789", 10) + ":A" + "A" + chars(URL, 33),
        "Twilio API key": "S" + "K" + chars(HEX, 32),
        "SendGrid key": "S" + "G." + chars(URL, 22) + "." + chars(URL, 43),
        "Mailgun key": "ke" + "y-" + chars(HEX, 32),
        "Mailchimp key": chars(HEX, 32) + "-u" + "s14",
        "Stripe live key": "sk" + "_live_" + chars(MIXED, 24),
        "Stripe restricted key": "rk" + "_live_" + chars(MIXED, 99),
        "Square token": "sq" + "0atp-" + chars(URL, 22),
        "Shopify token": "shp" + "at_" + chars(HEX, 32),
        "HashiCorp Vault token": "hv" + "s." + chars(URL, 95),
        "Terraform Cloud token": chars(MIXED, 14) + ".atlas" + "v1." + chars(URL, 67),
        "Datadog API key": "DD_API_KEY: «" + chars(HEX, 32) + "»",
        "Database URL": f"postgresql://app:«{chars(MIXED, 12)}»@" + "db.example.org:5432/app",
        "JSON web token": _jwt(),
        "RSA private key": _pem("RSA PRIVATE"),
        "OpenSSH private key": _pem("OPENSSH PRIVATE"),
    }
    return {name: _example(text) for name, text in written.items()}


def more() -> dict[str, Example]:
    """Some that are less usual."""
    written = {
        "age key": "AGE-SECRET" + "-KEY-1" + chars(UPPER, 58),
        "Alibaba key": "LT" + "AI" + chars(MIXED, 20),
        "AWS session": 'AWS_SESSION_TOKEN="«' + chars(BASE64, 300) + '»"',
        "Airtable token": "pa" + "t" + chars(MIXED, 14) + "." + chars(HEX, 64),
        "Azure signature": "https://a.blob.example?sv=1&sig" + "=«" + chars(MIXED, 41) + "%3D»",
        "Azure service bus": "SharedAccess" + "Key=«" + chars(BASE64, 43) + "=»",
        "Artifactory key": "AK" + "Cp" + chars(MIXED, 69),
        "Basic login": "Authorization: Basic «" + chars(MIXED, 24) + "==»",
        "Bearer token": "Authorization: Bearer «" + chars(MIXED, 32) + "»",
        "Bedrock key": "AB" + "SK" + chars(BASE64, 120) + "=",
        "Brevo key": "xkey" + "sib-" + chars(HEX, 64) + "-" + chars(MIXED, 16),
        "Buildkite token": "bk" + "ua_" + chars(HEX, 40),
        "CircleCI token": "CCI" + "PAT_" + chars(MIXED, 22) + "_" + chars(HEX, 40),
        "Cloudflare origin key": "v1" + ".0-" + chars(HEX, 24) + "-" + chars(HEX, 146),
        "Contentful token": "CFP" + "AT-" + chars(URL, 43),
        "Discord webhook": "https://discord.com/api/web"
        + f"hooks/«{chars('123456789', 18)}/{chars(URL, 68)}»",
        "Doppler token": "dp" + ".pt." + chars(MIXED, 43),
        "Dropbox token": "s" + "l." + chars(URL, 135),
        "Dynatrace token": "dt0" + "c01." + chars(UPPER, 24) + "." + chars(UPPER, 64),
        "ElevenLabs key": "sk" + "_" + chars(HEX, 48),
        "Facebook token": "EA" + "AC" + chars(MIXED, 160),
        "Figma token": "fi" + "gd_" + chars(URL, 43),
        "Flutterwave key": "FLW" + "SECK-" + chars(HEX, 32) + "-X",
        "Fly token": "fm" + "2_" + chars(BASE64, 200),
        "Google refresh token": "1/" + "/0" + chars(URL, 60),
        "Grafana token": "gl" + "sa_" + chars(MIXED, 32) + "_" + chars(HEX, 8),
        "Grafana cloud token": "gl" + "c_" + chars(MIXED, 60),
        "Grafana old key": "eyJr" + "IjoiT" + chars(MIXED, 80),
        "Heroku new key": "HR" + "KU-" + chars(URL, 60),
        "HubSpot token": "pa" + "t-na1-" + uuid(),
        "LangSmith key": "ls" + "v2_pt_" + chars(HEX, 32) + "_" + chars(HEX, 10),
        "Linear key": "lin" + "_api_" + chars(MIXED, 40),
        "Mapbox token": "s" + "k.eyJ1" + chars(MIXED, 60) + "." + chars(URL, 22),
        "Neon key": "na" + "pi_" + chars(LOWER, 64),
        "Netlify token": "nf" + "p_" + chars(MIXED, 36),
        "New Relic key": "NR" + "AK-" + chars(UPPER, 27),
        "New Relic licence": chars(HEX, 36) + "FFFF" + "NR" + "AL",
        "Notion token": "nt" + "n_" + chars(MIXED, 46),
        "Notion old token": "sec" + "ret_" + chars(MIXED, 43),
        "NuGet key": "oy" + "2" + chars(LOWER, 43),
        "NVIDIA key": "nv" + "api-" + chars(URL, 64),
        "OpenShift token": "sha256" + "~" + chars(URL, 43),
        "Okta token": "SSWS" + " «00" + chars(URL, 40) + "»",
        "1Password token": "ops" + "_eyJ" + chars(MIXED, 260),
        "1Password key": "A" + "3-" + "-".join(chars(UPPER, n) for n in (6, 6, 5, 5, 5, 5)),
        "PayPal token": "access_token" + f"$production${chars(LOWER, 16)}${chars(HEX, 32)}",
        "Perplexity key": "pp" + "lx-" + chars(MIXED, 48),
        "PGP private key": _pem("PGP PRIVATE").replace("KEY-", "KEY BLOCK-"),
        "PlanetScale token": "psc" + "ale_tkn_" + chars(URL, 43),
        "Plaid token": "access" + "-production-" + uuid(),
        "Postman key": "PM" + "AK-" + chars(HEX, 24) + "-" + chars(HEX, 34),
        "Pulumi token": "pu" + "l-" + chars(HEX, 40),
        "Resend key": "r" + "e_" + chars(MIXED, 8) + "_" + chars(MIXED, 24),
        "Sentry token": "snt" + "ryu_" + chars(HEX, 64),
        "Sentry organisation token": "snt" + "rys_eyJ" + chars(MIXED, 120),
        "Slack app token": "xa" + f"pp-1-A{chars(UPPER, 10)}-{chars('12345', 13)}-{chars(HEX, 64)}",
        "SonarQube token": "sq" + "u_" + chars(HEX, 40),
        "Square new token": "EA" + "AAE" + chars(URL, 59),
        "Supabase token": "sb" + "p_" + chars(HEX, 40),
        "Supabase secret": "sb" + "_secret_" + chars(URL, 31),
        "Teams webhook": "https://x.web"
        + f"hook.office.com/webhookb2/«{uuid()}@{uuid()}/Incoming/{chars(HEX, 32)}»",
        "Tencent key": "AK" + "ID" + chars(MIXED, 32),
        "Twilio auth token": "TWILIO_AUTH_TOKEN=«" + chars(HEX, 32) + "»",
        "variable": "export DB_PASSWORD='«" + chars(MIXED, 12) + "»'",
        "webhook secret": "wh" + "sec_" + chars(MIXED, 32),
        "Yandex key": "AQ" + "VN" + chars(URL, 36),
        "Redis URL": f"redis://:«{chars(MIXED, 10)}»@" + "cache:6379",
        "GitLab job token": "gl" + "cbt-64_" + chars(URL, 20),
        "Artifactory token": "cm" + "Vmd" + chars(MIXED, 59),
        "private key in JSON": _pem("PRIVATE").replace("\n", "\\n"),
    }
    return {name: _example(text) for name, text in written.items()}
