"""Answers /readyz on the port given, after asking the real servers, as the API does."""

import asyncio
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

import asyncpg


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        answered = asyncio.run(ask()) == 1 and self.path == "/readyz"
        self.send_response(200 if answered else 503)
        self.end_headers()

    def log_message(self, *_words):
        """Keep the log for what matters."""


async def ask():
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    try:
        return await connection.fetchval("select count(*) from migrated")
    finally:
        await connection.close()


HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
