// The pool by itself: every chunk once, workers told apart, idle threads asleep.
#include "runtime/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <ctime>
#include <functional>
#include <thread>
#include <vector>

#include "runtime/floating_point_mode.h"

namespace dovetail::runtime {
namespace {

using Body = std::function<void(int64_t chunk, int32_t worker)>;

bool run(ThreadPool& pool, int64_t chunks, int max_workers, Body body) {
  const dv_task task = [](void* arg, int64_t chunk, int32_t worker) {
    (*static_cast<Body*>(arg))(chunk, worker);
  };
  return pool.try_run(task, &body, chunks, max_workers);
}

TEST(ThreadPool, RunsEveryChunkOnce) {
  ThreadPool pool(4);
  for (const int64_t chunks : {1, 2, 7, 1000}) {
    std::vector<std::atomic<int>> runs(static_cast<size_t>(chunks));
    ASSERT_TRUE(run(pool, chunks, 4, [&](int64_t chunk, int32_t) { ++runs[chunk]; }));
    for (const std::atomic<int>& count : runs) EXPECT_EQ(count, 1);
  }
}

TEST(ThreadPool, TwoChunksAtOnceHaveDifferentWorkersBelowTheLimit) {
  ThreadPool pool(8);
  for (const int limit : {1, 2, 3, 8}) {
    std::vector<std::atomic<int>> working(static_cast<size_t>(limit));
    std::atomic<int> clashes{0};
    ASSERT_TRUE(run(pool, 200, limit, [&](int64_t, int32_t worker) {
      ASSERT_LT(worker, limit);
      if (working[worker].exchange(1) != 0) ++clashes;
      std::this_thread::yield();
      working[worker].store(0);
    }));
    EXPECT_EQ(clashes, 0) << limit;
  }
}

TEST(ThreadPool, RefusesASecondCallerWhileItWorks) {
  ThreadPool pool(2);
  int refused = 0;
  ASSERT_TRUE(run(pool, 1, 2, [&](int64_t, int32_t) {
    if (!run(pool, 1, 2, [](int64_t, int32_t) { FAIL() << "the pool is busy"; })) ++refused;
  }));
  EXPECT_EQ(refused, 1);
}

TEST(ThreadPool, WorkersTakeOverTheCallersFloatingPointMode) {
  ThreadPool pool(3);
  const uint64_t before = floating_point_mode();
#if defined(__x86_64__)
  const uint64_t flush_to_zero = before | 0x8000;
#else
  const uint64_t flush_to_zero = before | (uint64_t{1} << 24);
#endif
  std::atomic<int> wrong{0};
  for (const uint64_t mode : {flush_to_zero, before}) {
    set_floating_point_mode(mode);
    run(pool, 100, 3, [&](int64_t, int32_t) {
      if (floating_point_mode() != mode) ++wrong;
      std::this_thread::sleep_for(std::chrono::microseconds(10));
    });
    set_floating_point_mode(before);
  }
  EXPECT_EQ(wrong, 0);
}

double process_seconds() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

TEST(ThreadPool, IdleThreadsSleep) {
  ThreadPool pool(4);
  run(pool, 100, 4, [](int64_t, int32_t) {});
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const double before = process_seconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_LT(process_seconds() - before, 0.03);  // one thread that spins would take 0.3
}

TEST(ThreadPool, SleepersWakeForTheNextJob) {
  ThreadPool pool(3);
  for (int repeat = 0; repeat < 20; ++repeat) {
    std::atomic<int> count{0};
    ASSERT_TRUE(run(pool, 30, 3, [&](int64_t, int32_t) { ++count; }));
    EXPECT_EQ(count, 30);
    if (repeat % 2 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

}  // namespace
}  // namespace dovetail::runtime
