#include "runtime/thread_pool.h"

#include <algorithm>
#include <chrono>
#include <system_error>

#include "base/error.h"
#include "runtime/cpu_count.h"
#include "runtime/floating_point_mode.h"

namespace dovetail::runtime {
namespace {

constexpr uint64_t kJoined = 0xffff;
constexpr uint64_t kOpen = uint64_t{1} << 16;
// Kernels of one run follow each other within microseconds; a thread that looks around for this
// long before it sleeps spares them the wake-up, which costs about as much.
constexpr int kSpinMicroseconds = 40;

bool is_open(uint64_t gate) { return (gate & kOpen) != 0; }
uint64_t number(uint64_t gate) { return gate >> 17; }

void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

template <class Condition>
bool spin(int microseconds, Condition condition) {
  if (condition()) return true;
  const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(microseconds);
  do {
    for (int k = 0; k < 32; ++k) {
      if (condition()) return true;
      pause();
    }
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

}  // namespace

ThreadPool::ThreadPool(int workers)
    // Looking around on a processor that another worker needs would only slow that one down.
    : spin_microseconds_(workers <= usable_cpus() ? kSpinMicroseconds : 0) {
  try {
    for (int k = 1; k < workers; ++k) threads_.emplace_back([this] { serve(); });
  } catch (const std::system_error&) {
    // The system allows fewer threads: the pool is smaller, and as good.
  }
}

ThreadPool::~ThreadPool() {
  stop_.store(true);
  wake(static_cast<int>(threads_.size()));
  for (std::thread& thread : threads_) thread.join();
}

bool ThreadPool::try_run(dv_task task, void* arg, int64_t chunks, int max_workers) {
  if (busy_.exchange(true, std::memory_order_acquire)) return false;
  const auto wanted =
      static_cast<int>(std::min<int64_t>({chunks, int64_t{max_workers}, int64_t{this->workers()}}));
  job_.task = task;
  job_.arg = arg;
  job_.chunks = chunks;
  job_.workers = wanted;
  job_.mode = floating_point_mode();
  job_.next_chunk.store(0, std::memory_order_relaxed);
  job_.next_worker.store(1, std::memory_order_relaxed);
  gate_.fetch_add(kOpen);
  wake(wanted - 1);
  work(0);
  gate_.fetch_add(kOpen);  // carries into the number: closed, and the next job is another one
  wait_until_left();
  busy_.store(false, std::memory_order_release);
  return true;
}

void ThreadPool::work(int worker) {
  for (;;) {
    const int64_t chunk = job_.next_chunk.fetch_add(1, std::memory_order_relaxed);
    if (chunk >= job_.chunks) return;
    job_.task(job_.arg, chunk, worker);
  }
}

void ThreadPool::serve() {
  uint64_t seen = ~uint64_t{0};
  for (;;) {
    const uint64_t gate = wait_for_job(seen);
    if (stop_.load()) return;
    if (!join(gate)) continue;
    seen = number(gate);
    const int worker = job_.next_worker.fetch_add(1, std::memory_order_relaxed);
    if (worker < job_.workers) {
      set_floating_point_mode(job_.mode);
      work(worker);
    }
    leave();
  }
}

uint64_t ThreadPool::wait_for_job(uint64_t seen) {
  uint64_t gate = 0;
  const auto ready = [&] {
    gate = gate_.load();
    return (is_open(gate) && number(gate) != seen) || stop_.load();
  };
  if (spin(spin_microseconds_, ready)) return gate;
  std::unique_lock lock(mutex_);
  sleepers_.fetch_add(1);
  job_opened_.wait(lock, ready);
  sleepers_.fetch_sub(1);
  return gate;
}

// False when the gate of this job has been closed. Others may join or leave meanwhile.
bool ThreadPool::join(uint64_t gate) {
  uint64_t now = gate;
  while (is_open(now) && number(now) == number(gate)) {
    if (gate_.compare_exchange_weak(now, now + 1)) return true;
  }
  return false;
}

void ThreadPool::leave() {
  const uint64_t before = gate_.fetch_sub(1);
  if (is_open(before) || (before & kJoined) != 1 || !caller_sleeps_.load()) return;
  const std::lock_guard lock(mutex_);
  all_left_.notify_all();
}

// A thread that is about to sleep counts itself before it looks at the gate for the last time, and
// here the gate was changed before the count is read: one of the two sees the other.
void ThreadPool::wake(int threads) {
  if (threads <= 0 || sleepers_.load() == 0) return;
  const std::lock_guard lock(mutex_);
  const int count = std::min(threads, sleepers_.load());
  for (int k = 0; k < count; ++k) job_opened_.notify_one();
}

void ThreadPool::wait_until_left() {
  const auto left = [this] { return (gate_.load() & kJoined) == 0; };
  if (spin(spin_microseconds_, left)) return;
  std::unique_lock lock(mutex_);
  caller_sleeps_.store(true);
  all_left_.wait(lock, left);
  caller_sleeps_.store(false);
}

}  // namespace dovetail::runtime
