// Finds one document again and again through libmongoc's own API, which holds a connection for each operation.
//   libmongoc_find URI SECONDS THREADS
// All threads share one processor, as a worker of nginx has one. Prints finds a second.
#include <mongoc/mongoc.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

namespace {

std::atomic<bool> ended{false};
std::atomic<long> found{0};

void find(mongoc_client_pool_t* pool) {
  mongoc_client_t* const client = mongoc_client_pool_pop(pool);
  mongoc_collection_t* const notes = mongoc_client_get_collection(client, "nacre", "notes");
  bson_t* const filter = BCON_NEW("_id", "one");
  bson_t* const options = BCON_NEW("limit", BCON_INT64(1), "singleBatch", BCON_BOOL(true));
  while (!ended) {
    mongoc_cursor_t* const cursor = mongoc_collection_find_with_opts(notes, filter, options, nullptr);
    const bson_t* document = nullptr;
    if (mongoc_cursor_next(cursor, &document)) {
      char* const json = bson_as_relaxed_extended_json(document, nullptr);
      bson_free(json);
      ++found;
    }
    mongoc_cursor_destroy(cursor);
  }
  bson_destroy(options);
  bson_destroy(filter);
  mongoc_collection_destroy(notes);
  mongoc_client_pool_push(pool, client);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: libmongoc_find URI SECONDS THREADS\n", stderr);
    return 1;
  }
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(0, &one);
  sched_setaffinity(0, sizeof one, &one);
  mongoc_init();
  mongoc_log_set_handler(nullptr, nullptr);
  mongoc_uri_t* const uri = mongoc_uri_new(argv[1]);
  mongoc_client_pool_t* const pool = mongoc_client_pool_new(uri);
  std::vector<std::thread> threads;
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < std::atoi(argv[3]); ++i) threads.emplace_back(find, pool);
  std::this_thread::sleep_for(std::chrono::duration<double>(std::atof(argv[2])));
  ended = true;
  for (auto& thread : threads) thread.join();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::printf("%.0f\n", static_cast<double>(found) / took.count());
  mongoc_client_pool_destroy(pool);
  mongoc_uri_destroy(uri);
  mongoc_cleanup();
}
