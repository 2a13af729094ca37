"""Configurations that several tests use."""

NOTES_SCHEMA = """
      type: object
      required: [title]
      additionalProperties: false
      properties:
        title:  { type: string, minLength: 1, maxLength: 200 }
        slug:   { type: string, maxLength: 100 }
        body:   { type: string, maxLength: 20000 }
        tags:   { type: array, items: { type: string }, maxItems: 20 }
        pinned: { type: boolean }
        stars:  { type: integer, minimum: 0 }
        due:    { type: string, format: date-time }
        author: { type: object, properties: { name: { type: string }, age: { type: integer } } }
        parts:  { type: array, items: { type: object, properties: { k: { type: string }, n: { type: integer } } } }
"""

PUBLIC = "{ read: public, create: public, update: public, delete: public }"

EXAMPLE = f"""
version: 1
store: {{ uri: "sqlite:nacre.db" }}
cache: {{ uri: "memory:", ttl: 60s }}
resources:
  notes:
    schema: {NOTES_SCHEMA}
    access: {PUBLIC}
    indexes: [ {{ keys: [title] }}, {{ keys: [-stars, title] }}, {{ keys: [slug], unique: true }} ]
    cache: {{ ttl: 30s, stale: 5m }}
    page: {{ default: 25, max: 100 }}
  free:
    schema: {{ type: object }}
    access: {PUBLIC}
  uncached:
    schema: {{ type: object }}
    access: {PUBLIC}
    cache: off
  brief:
    schema: {{ type: object, properties: {{ n: {{ type: integer }} }} }}
    access: {PUBLIC}
    cache: {{ ttl: 1s, stale: 5m }}
  members:
    schema: {{ type: object }}
    access: {{ read: user, create: user, update: owner, delete: "role:editor" }}
  closed:
    schema: {{ type: object }}
"""

# The example of the documentation, to the letter.
DOCUMENTED = """
version: 1
store: { uri: "sqlite:nacre.db" }
cache: { uri: "memory:", ttl: 60s }
auth:
  registration: open
  session: { ttl: 14d, idle: 2d, cookie: nacre_session }
timeouts: { request: 5s, redis: 250ms, store: 2s }
resources:
  notes:
    schema:                                    # JSON Schema draft 7, checked when loaded
      type: object
      required: [title]
      additionalProperties: false
      properties:
        title:  { type: string, minLength: 1, maxLength: 200 }
        body:   { type: string, maxLength: 20000 }
        tags:   { type: array, items: { type: string }, maxItems: 20 }
        pinned: { type: boolean }
        stars:  { type: integer, minimum: 0 }
        slug:   { type: string, maxLength: 100 }
        due:    { type: string, format: date-time }
    access:  { read: public, create: user, update: owner, delete: owner }
    indexes: [ { keys: [title] }, { keys: [-stars, title] }, { keys: [slug], unique: true } ]
    cache:   { ttl: 30s, stale: 5m }
    limit:   { rate: 50/s, burst: 100, per: user }
    page:    { default: 25, max: 100 }
"""
