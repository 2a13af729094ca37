"""The template stack's application: a document by its key from Redis or MongoDB, and an insert.

REDIS_URL and MONGODB_URI name the servers. Settings are those that the projects' documentation recommends: hiredis parses for
redis-py, which finds it by itself; one client with a pool per process; pymongo's C extensions; orjson in place of json.
"""

import os

import orjson
import pymongo
import redis
from bson import ObjectId
from flask import Flask, Response, request

app = Flask(__name__)
cache = redis.Redis.from_url(os.environ["REDIS_URL"])
# The client connects when it is first used, so each worker gets one of its own after the fork.
notes = pymongo.MongoClient(os.environ["MONGODB_URI"], w="majority", connect=False)["nacre"]["notes"]


def json(document, status=200):
    return Response(orjson.dumps(document, default=str), status, mimetype="application/json")


@app.get("/redis/<key>")
def read_from_redis(key):
    text = cache.get(key)
    return Response(text, mimetype="application/json") if text else json({"title": "not found"}, 404)


@app.get("/mongo/<key>")
def read_from_mongo(key):
    document = notes.find_one({"_id": key})
    return json(document) if document else json({"title": "not found"}, 404)


@app.post("/mongo")
def insert():
    document = orjson.loads(request.get_data())
    document.setdefault("_id", ObjectId())
    notes.insert_one(document)
    return json(document, 201)
