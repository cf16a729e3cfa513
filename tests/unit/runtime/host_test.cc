// What an executor gets from the process: a limit on the workers of one host.
#include "runtime/host.h"

#include <dovetail/runtime.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "runtime/cpu_features.h"

extern "C" {
#include "executor/cpu_features.h"
}

namespace dovetail::runtime {
namespace {

// One more than the largest worker that any of many chunks saw.
int workers_seen(const Host& host) {
  std::atomic<int> most{0};
  const dv_task task = [](void* arg, int64_t, int32_t worker) {
    auto& most = *static_cast<std::atomic<int>*>(arg);
    int known = most.load();
    while (known < worker + 1 && !most.compare_exchange_weak(known, worker + 1)) {
    }
    std::this_thread::sleep_for(std::chrono::microseconds(1));
  };
  for (int repeat = 0; repeat < 50; ++repeat) {
    host.get()->parallel_for(host.get()->self, task, &most, 100);
  }
  return most;
}

TEST(Host, KeepsToItsLimit) {
  set_num_threads(4);
  Host host(4);
  EXPECT_GT(workers_seen(host), 1);
  host.limit_workers(1);
  EXPECT_EQ(workers_seen(host), 1);
  host.limit_workers(2);
  EXPECT_LE(workers_seen(host), 2);
  set_num_threads(1);
}

// What the runtime says and what a library would find out by itself.
TEST(Host, OffersTheFeaturesThatTheLibraryFinds) {
#if defined(__x86_64__)
  EXPECT_EQ(cpu_features(), dv_cpu_features());
#else
  GTEST_SKIP() << "here only the system can tell";
#endif
}

}  // namespace
}  // namespace dovetail::runtime
