#!/usr/bin/python3
"""The part of Mailpit that this project uses: takes every mail, keeps it in memory, and shows it over HTTP.

Ports, paths, fields and environment variables are those that Mailpit documents.
"""

import asyncio
import base64
import email
import email.policy
import email.utils
import html
import json
import os
import random
import re
import signal
import ssl
import sys
import threading
import urllib.parse
import urllib.request
import uuid
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.smtp import SMTP, AuthResult

SMTP_PORT = 1025
HTTP_PORT = 8025
MESSAGES_KEPT = 500
SNIPPET_LENGTH = 250
TRIGGERS = ("Sender", "Recipient", "Authentication")
# What a mail may bring along when it is looked at: nothing that runs.
VIEW_POLICY = "default-src 'none'; img-src data: https:; style-src 'unsafe-inline'"


def flag(name):
    return os.environ.get(name, "").lower() in ("1", "true", "yes", "on")


def address(header):
    name, addr = email.utils.parseaddr(str(header or ""))
    return {"Name": name, "Address": addr}


def addresses(message, header):
    pairs = email.utils.getaddresses([str(value) for value in message.get_all(header, [])])
    return [{"Name": name, "Address": addr} for name, addr in pairs]


class Mail:
    def __init__(self, raw, username):
        self.id = uuid.uuid4().hex[:22]
        self.raw = raw
        self.username = username
        self.created = datetime.now(timezone.utc)
        self.message = email.message_from_bytes(raw, policy=email.policy.default)

    def body(self, kind):
        part = self.message.get_body((kind,))
        return part.get_content() if part else ""

    def parts(self, disposition):
        return [
            {
                "PartID": str(number),
                "FileName": part.get_filename("") or "",
                "ContentType": part.get_content_type(),
                "ContentID": part.get("Content-ID", "").strip("<>"),
                "Size": len(part.get_payload(decode=True) or b""),
            }
            for number, part in enumerate(self.message.walk())
            if part.get_content_disposition() == disposition
        ]

    def summary(self):
        text = self.body("plain") or re.sub(r"<[^>]*>", " ", self.body("html"))
        return {
            "ID": self.id,
            "MessageID": str(self.message.get("Message-ID", "")).strip("<> "),
            "Read": False,
            "From": address(self.message.get("From")),
            "To": addresses(self.message, "To"),
            "Cc": addresses(self.message, "Cc"),
            "Bcc": [],
            "ReplyTo": addresses(self.message, "Reply-To"),
            "Subject": str(self.message.get("Subject", "")),
            "Created": self.created.isoformat().replace("+00:00", "Z"),
            "Username": self.username,
            "Tags": [],
            "Size": len(self.raw),
            "Attachments": len(self.parts("attachment")),
            "Snippet": " ".join(text.split())[:SNIPPET_LENGTH],
        }

    def whole(self):
        whole = self.summary()
        del whole["Read"], whole["Created"], whole["Snippet"]
        whole["Date"] = self.created.isoformat().replace("+00:00", "Z")
        whole["ReturnPath"] = whole["From"]["Address"]
        whole["Text"] = self.body("plain")
        whole["HTML"] = self.body("html")
        whole["Inline"] = self.parts("inline")
        whole["Attachments"] = self.parts("attachment")
        return whole

    def view(self):
        page = self.body("html") or f"<pre>{html.escape(self.body('plain'))}</pre>"
        for part in self.message.walk():
            content_id = part.get("Content-ID", "").strip("<> ")
            if content_id:
                data = base64.b64encode(part.get_payload(decode=True)).decode()
                page = page.replace(f"cid:{content_id}", f"data:{part.get_content_type()};base64,{data}")
        return page


class Store:
    """The mails, newest first, and what is to go wrong. Two threads use it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.mails = []
        self.chaos = {name: {"ErrorCode": 451, "Probability": 0} for name in TRIGGERS}

    def add(self, mail):
        with self.lock:
            self.mails.insert(0, mail)
            del self.mails[MESSAGES_KEPT:]

    def all(self):
        with self.lock:
            return list(self.mails)

    def find(self, identifier):
        mails = self.all()
        if identifier == "latest":
            return mails[0] if mails else None
        return next((mail for mail in mails if mail.id == identifier), None)

    def delete(self, identifiers):
        with self.lock:
            self.mails = [mail for mail in self.mails if identifiers and mail.id not in identifiers]

    def set_chaos(self, wanted):
        """A trigger that is not named is turned off."""
        chaos = {}
        for name in TRIGGERS:
            trigger = wanted.get(name, {})
            code, probability = int(trigger.get("ErrorCode", 451)), int(trigger.get("Probability", 0))
            if not 400 <= code <= 599 or not 0 <= probability <= 100:
                raise ValueError(f"{name}: ErrorCode must be 400 to 599, Probability 0 to 100")
            chaos[name] = {"ErrorCode": code, "Probability": probability}
        self.chaos = chaos

    def fails(self, name):
        trigger = self.chaos[name]
        if random.uniform(0, 100) < trigger["Probability"]:
            return f"{trigger['ErrorCode']} Chaos {name.lower()} error"
        return None


class Receiver:
    """aiosmtpd's hooks."""

    def __init__(self, store):
        self.store = store

    async def handle_MAIL(self, server, session, envelope, sender, options):
        failure = self.store.fails("Sender")
        if failure:
            return failure
        envelope.mail_from = sender
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_RCPT(self, server, session, envelope, recipient, options):
        failure = self.store.fails("Recipient")
        if failure:
            return failure
        envelope.rcpt_tos.append(recipient)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server, session, envelope):
        mail = Mail(envelope.content, getattr(session, "auth_data", None) or "")
        self.store.add(mail)
        return f"250 2.0.0 Ok: queued as {mail.id}"


class Authenticator:
    def __init__(self, store):
        self.store = store
        self.accepts_any = flag("MP_SMTP_AUTH_ACCEPT_ANY")
        pairs = (pair.partition(":") for pair in os.environ.get("MP_SMTP_AUTH", "").split())
        self.passwords = {user.encode(): password.encode() for user, _, password in pairs}

    @property
    def is_wanted(self):
        return self.accepts_any or bool(self.passwords)

    def __call__(self, server, session, envelope, mechanism, given):
        failure = self.store.fails("Authentication")
        if failure:
            return AuthResult(success=False, handled=False, message=failure)
        known = self.accepts_any or self.passwords.get(given.login) == given.password
        user = given.login.decode(errors="replace")
        return AuthResult(success=known, handled=False, auth_data=user if known else None)


def tls_context():
    certificate, key = os.environ.get("MP_SMTP_TLS_CERT"), os.environ.get("MP_SMTP_TLS_KEY")
    if not certificate or not key:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


async def serve_smtp(store):
    context, authenticator = tls_context(), Authenticator(store)
    implicit_tls, starttls = flag("MP_SMTP_REQUIRE_TLS"), flag("MP_SMTP_REQUIRE_STARTTLS")
    if (implicit_tls or starttls) and context is None:
        sys.exit("MP_SMTP_TLS_CERT and MP_SMTP_TLS_KEY are needed for TLS")

    def session():
        return SMTP(
            Receiver(store),
            hostname="mailpit",
            ident="ESMTP",
            enable_SMTPUTF8=True,
            tls_context=None if implicit_tls else context,
            require_starttls=starttls,
            authenticator=authenticator if authenticator.is_wanted else None,
            auth_required=bool(authenticator.passwords),
            auth_require_tls=not implicit_tls and not flag("MP_SMTP_AUTH_ALLOW_INSECURE"),
        )

    listen = asyncio.get_running_loop().create_server
    server = await listen(session, "0.0.0.0", SMTP_PORT, ssl=context if implicit_tls else None)
    await server.serve_forever()


def overview(mails):
    rows = "".join(
        "<tr><td>{}</td><td>{}</td><td><a href='/view/{}.html'>{}</a></td><td>{}</td></tr>".format(
            html.escape(mail["Created"][:19].replace("T", " ")),
            html.escape(", ".join(to["Address"] for to in mail["To"])),
            mail["ID"],
            html.escape(mail["Subject"] or "(no subject)"),
            html.escape(mail["Snippet"]),
        )
        for mail in (mail.summary() for mail in mails)
    )
    style = (
        "body{font:16px/1.5 sans-serif;margin:2rem}table{border-collapse:collapse}"
        "td,th{text-align:left;padding:.4rem .8rem;border-bottom:1px solid #ddd;vertical-align:top}"
    )
    return (
        f"<!doctype html><meta charset=utf-8><title>Mails ({len(mails)})</title><style>{style}</style>"
        f"<h1>{len(mails)} mails</h1><table><tr><th>Received (UTC)<th>To<th>Subject<th>Begins</tr>{rows}</table>"
    )


def handler_of(store):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            path = self.path.partition("?")[0]
            one = re.fullmatch(r"/api/v1/message/(\w+)(/raw)?|/view/(\w+)\.html", path)
            if path in ("/readyz", "/livez"):
                self.answer(200, "text/plain", "ok")
            elif path == "/":
                self.answer(200, "text/html", overview(store.all()))
            elif path == "/api/v1/messages":
                self.answer_json(self.listing())
            elif path == "/api/v1/chaos" and flag("MP_ENABLE_CHAOS"):
                self.answer_json(store.chaos)
            elif one:
                self.answer_one(store.find(one[1] or one[3]), path)
            else:
                self.answer(404, "text/plain", "Not found")

        def do_PUT(self):
            wanted = self.body()
            if self.path != "/api/v1/chaos" or not flag("MP_ENABLE_CHAOS"):
                return self.answer(404, "text/plain", "Not found")
            try:
                store.set_chaos(wanted)
            except (ValueError, TypeError) as problem:
                return self.answer(400, "text/plain", str(problem))
            return self.answer_json(store.chaos)

        def do_DELETE(self):
            wanted = self.body()
            if self.path != "/api/v1/messages":
                return self.answer(404, "text/plain", "Not found")
            store.delete(wanted.get("IDs"))
            return self.answer(200, "text/plain", "ok")

        def listing(self):
            query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
            start, limit = (int(query.get(name, [default])[0]) for name, default in (("start", 0), ("limit", 50)))
            mails = store.all()
            shown = [mail.summary() for mail in mails[start : start + limit]]
            counts = {"total": len(mails), "messages_count": len(mails), "count": len(shown), "start": start}
            return {**counts, "unread": len(mails), "tags": [], "messages": shown}

        def answer_one(self, mail, path):
            if mail is None:
                self.answer(404, "text/plain", "Not found")
            elif path.endswith("/raw"):
                self.answer(200, "text/plain", mail.raw)
            elif path.endswith(".html"):
                self.answer(200, "text/html", mail.view(), {"Content-Security-Policy": VIEW_POLICY})
            else:
                self.answer_json(mail.whole())

        def body(self):
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            return json.loads(text or b"{}")

        def answer_json(self, value):
            self.answer(200, "application/json", json.dumps(value))

        def answer(self, status, media_type, body, headers=None):
            body = body if isinstance(body, bytes) else body.encode()
            self.send_response(status)
            for name, value in {"Content-Type": f"{media_type}; charset=utf-8", **(headers or {})}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    return Handler


def main():
    if sys.argv[1:] == ["readyz"]:
        with urllib.request.urlopen(f"http://127.0.0.1:{HTTP_PORT}/readyz", timeout=3) as answer:
            sys.exit(answer.status != 200)
    # The first process of a container is stopped by no signal that it does not ask for.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    store = Store()
    web = ThreadingHTTPServer(("0.0.0.0", HTTP_PORT), handler_of(store))
    threading.Thread(target=web.serve_forever, daemon=True).start()
    print(f"SMTP on port {SMTP_PORT}, HTTP on port {HTTP_PORT}")
    asyncio.run(serve_smtp(store))


main()
