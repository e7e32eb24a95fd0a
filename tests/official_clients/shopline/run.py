"""What an app does with the SHOPLINE client from PyPI, unmodified: list, page, find, create, update.

The client speaks https only, so a TLS terminator stands in front of the ledger. Ends with 0 when
every answer is what SHOPLINE's would be.
"""

import contextlib
import io
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "packages"))

HOST = "demo.localhost"
LEDGER = os.environ["LEDGER"].split(":")
TOKEN = os.environ["SHOPLINE_TOKEN"]
READ_TOKEN = os.environ["SHOPLINE_READ_TOKEN"]


def certificate(folder):
    """A certificate of the terminator's own, which this process trusts."""
    cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key,
         "-out", cert, "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"],
        check=True, stderr=subprocess.DEVNULL)
    os.environ["SSL_CERT_FILE"] = cert
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


def received(caller):
    data = caller.recv(65536)
    if not data:
        raise OSError("the client hung up")
    return data


def terminate(context, plain):
    """Carries one request to the ledger, says that it came by https, and brings the answer.

    One thread for both ways: two must not use one TLS connection at a time. The client asks once
    on each connection.
    """
    with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as caller:
        head, body = b"", b""
        while b"\r\n\r\n" not in head:
            head += received(caller)
        head, body = head.split(b"\r\n\r\n", 1)
        line, *headers = head.split(b"\r\n")
        named = dict(header.lower().split(b": ", 1) for header in headers)
        assert named[b"connection"] == b"close", named
        while len(body) < int(named.get(b"content-length", 0)):
            body += received(caller)
        head = b"\r\n".join([line, b"X-Forwarded-Proto: https", *headers])
        with socket.create_connection((LEDGER[0], int(LEDGER[1]))) as ledger:
            ledger.sendall(head + b"\r\n\r\n" + body)
            while data := ledger.recv(65536):
                caller.sendall(data)


def terminator(context):
    listener = socket.create_server(("127.0.0.1", 0))

    def accept():
        while True:
            plain, _ = listener.accept()
            threading.Thread(target=terminate, args=(context, plain), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def resolve_here(getaddrinfo):
    """Names of this machine that not every resolver knows."""
    def resolve(host, *rest, **more):
        return getaddrinfo("127.0.0.1" if host == HOST else host, *rest, **more)
    return resolve


def main():
    with tempfile.TemporaryDirectory() as folder:
        port = terminator(certificate(folder))
        socket.getaddrinfo = resolve_here(socket.getaddrinfo)
        import shopline
        from shopline import connection
        from shopline.resources.customers import Customers

        shopline.Session.setup(myshopline_domain="localhost", port=port)
        base = f"https://{HOST}:{port}/admin/openapi/v20220901"

        def sign_in(token):
            session = shopline.Session("demo", "v20220901", token)
            shopline.ShopLineResource.activate_session(session)

        def quiet(call, *arguments, **more):
            # The client prints what it reads.
            with contextlib.redirect_stdout(io.StringIO()):
                return call(*arguments, **more)

        def send(method, path, body):
            answer = getattr(Customers.connect, method)(
                f"{base}/{path}", Customers.get_headers(), json.dumps(body).encode())
            return json.loads(answer.body)

        def refused(kind, call, *arguments):
            try:
                quiet(call, *arguments)
            except kind as error:
                errors = json.loads(error.response.body)["errors"]
                assert isinstance(errors, str) and errors, errors
                return errors
            raise AssertionError(f"not refused with {kind.__name__}")

        def caught_up():
            """On a busy machine a list may be behind for a while, or given up, and says so."""
            deadline = time.monotonic() + 40
            while True:
                with contextlib.suppress(connection.ServerError):
                    page = quiet(Customers.find, from_=f"{base}/v2/customers.json?limit=1")
                    # An empty page is a bare list in this client, without its headers.
                    if page and "ledger-behind" not in page.metadata["headers"]:
                        return
                assert time.monotonic() < deadline, "lists stay behind"

        sign_in(TOKEN)
        known = []
        for n in range(5):
            body = {"customer": {"email": f"app{n}@example.com", "first_name": f"App {n}"}}
            known.append(send("post", "customers.json", body)["customer"])
        print("ok: customers are created")

        changed = send("put", f"customers/{known[0]['id']}.json", {"customer": {"note": "tea"}})
        assert changed["customer"]["note"] == "tea", changed
        assert changed["customer"]["email"] == "app0@example.com", changed
        print("ok: a customer is updated")

        [found] = quiet(Customers.customer, known[0]["id"])
        assert found["note"] == "tea" and found["first_name"] == "App 0", found
        print("ok: a customer is found by its id")

        caught_up()
        count = quiet(Customers.customer_count)
        assert count == 5, count
        print("ok: customers are counted")

        listed = quiet(Customers.customer)
        ids = [customer["id"] for customer in listed]
        assert sorted(ids) == sorted(customer["id"] for customer in known), ids
        assert not listed.has_next_page()
        print("ok: customers are listed")

        page = quiet(Customers.find, from_=f"{base}/v2/customers.json?limit=2")
        pages = [[customer["id"] for customer in page]]
        while page.has_next_page():
            assert page.next_page_url.startswith(f"https://{HOST}:{port}/"), page.next_page_url
            page = quiet(page.next_page)
            pages.append([customer["id"] for customer in page])
        assert [len(page) for page in pages] == [2, 2, 1], pages
        assert sum(pages, []) == ids, pages
        back = quiet(page.previous_page, no_cache=True)
        assert [customer["id"] for customer in back] == pages[1], pages
        print("ok: pages follow each other, and lead back")

        refused(connection.ResourceInvalid, send, "post", "customers.json",
                {"customer": {"email": "APP1@example.com"}})
        refused(connection.BadRequest, send, "put", f"customers/{known[0]['id']}.json",
                {"customer": {"gender": "1"}})
        refused(connection.ClientError, Customers.customer, "1")
        refused(connection.ResourceNotFound, send, "put", "no_such_thing.json", {})
        sign_in(READ_TOKEN)
        text = refused(connection.ForbiddenAccess, send, "put",
                       f"customers/{known[0]['id']}.json", {"customer": {}})
        assert text == "This action requires write_customers scope", text
        sign_in(TOKEN[:-8] + "forged00")
        refused(connection.UnauthorizedAccess, Customers.customer)
        print("ok: what is refused is told by the client's own errors")


main()
