"""What a script of a page does."""

# Calls the API as a page would, and tells what the page gets to see: an answer, or the error that fetch throws.
FETCH = """
async ([url, options]) => {
  try {
    const answer = await fetch(url, options);
    return { status: answer.status, headers: Object.fromEntries(answer.headers), body: await answer.text() };
  } catch (error) {
    return { error: error.name };
  }
}
"""


class Page:
    """A page of one origin that calls the API of another."""

    def __init__(self, tab, origin, api):
        self.tab, self.origin, self.api = tab, origin, api
        tab.goto(origin + "/empty.html")

    def fetch(self, method, path, json=None, **options):
        """`json=` is sent as application/json; the other options are fetch's."""
        options["method"] = method
        if json is not None:
            options["body"] = json
            options["headers"] = {"Content-Type": "application/json", **options.get("headers", {})}
        return self.tab.evaluate(FETCH, [self.api + path, options])
