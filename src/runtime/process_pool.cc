#include "runtime/process_pool.h"

#include <dovetail/runtime.h>

#include <charconv>
#include <cstdlib>
#include <mutex>
#include <utility>

#include "base/error.h"
#include "runtime/cpu_count.h"
#include "runtime/fork_handlers.h"

namespace dovetail {
namespace runtime {
namespace {

constexpr int kMaxThreads = 1024;

struct State {
  std::mutex mutex;
  int threads = 0;  // 0: not known yet
  int pool_threads = 0;
  std::shared_ptr<ThreadPool> pool;
  // A child has its parent's pool without the threads: it can be neither used nor destroyed.
  std::shared_ptr<ThreadPool>* abandoned = nullptr;
};

State& state() {
  static State instance;
  static const bool registered = [] {
    at_fork([] { instance.mutex.lock(); }, [] { instance.mutex.unlock(); },
            [] {
              instance.abandoned = new std::shared_ptr<ThreadPool>(std::move(instance.pool));
              instance.pool_threads = 0;
              instance.mutex.unlock();
            });
    return true;
  }();
  (void)registered;
  return instance;
}

int default_threads() {
  const char* text = std::getenv("DOVETAIL_NUM_THREADS");
  if (!text || !*text) return std::min(usable_cpus(), kMaxThreads);
  int threads = 0;
  const std::string_view view(text);
  const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), threads);
  if (error != std::errc() || end != view.data() + view.size() || threads < 1 ||
      threads > kMaxThreads) {
    throw_error(ErrorKind::kValue,
                "DOVETAIL_NUM_THREADS is '{}'; expected a whole number from 1 to {}", view,
                kMaxThreads);
  }
  return threads;
}

int known_threads(State& state) {
  if (state.threads == 0) state.threads = default_threads();
  return state.threads;
}

}  // namespace

std::shared_ptr<ThreadPool> process_pool() {
  std::shared_ptr<ThreadPool> replaced;  // destroyed after the lock is given back
  State& the = state();
  const std::lock_guard lock(the.mutex);
  const int threads = known_threads(the);
  if (!the.pool || the.pool_threads != threads) {
    replaced = std::exchange(the.pool, std::make_shared<ThreadPool>(threads));
    the.pool_threads = threads;
  }
  return the.pool;
}

void check_num_threads(int threads) {
  if (threads >= 1 && threads <= kMaxThreads) return;
  throw_error(ErrorKind::kValue, "{} threads are asked for; expected 1 to {}", threads,
              kMaxThreads);
}

}  // namespace runtime

void set_num_threads(int threads) {
  runtime::check_num_threads(threads);
  runtime::State& state = runtime::state();
  const std::lock_guard lock(state.mutex);
  state.threads = threads;
}

int num_threads() {
  runtime::State& state = runtime::state();
  const std::lock_guard lock(state.mutex);
  return runtime::known_threads(state);
}

}  // namespace dovetail
