// Executors and threads on the hand-written specimen: one pool for the process, limits, forks, many
// threads on one model, and one executor for one thread at a time.
#include <dovetail/runtime.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "runtime/process_pool.h"

extern "C" const dv_library specimen_library;

#if defined(__SANITIZE_THREAD__)
// The sanitizer would end a child that starts threads.
extern "C" const char* __tsan_default_options() { return "die_after_fork=0"; }
#endif

namespace dovetail {
namespace {

constexpr int64_t kRows = 8;  // each is a chunk

Module specimen() { return Module::system_lib(&specimen_library); }

Tensor input(int seed) {
  Tensor x = Tensor::empty({kRows, 4}, DType::of<float>());
  for (int64_t i = 0; i < x.num_elements(); ++i) {
    x.data<float>()[i] = static_cast<float>((i + 1) * (seed + 1)) / 7;
  }
  return x;
}

Tensor run(Executor& executor, int seed) {
  executor.set_input("x", input(seed));
  executor.run();
  Tensor y = Tensor::empty({kRows, 4}, DType::of<float>());
  executor.get_output(0, y);
  return y;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.num_bytes() == b.num_bytes() &&
         std::memcmp(a.raw_data(), b.raw_data(), a.num_bytes()) == 0;
}

class Threads : public testing::Test {
 protected:
  Threads() {
    set_num_threads(1);
    Executor serial(specimen()["scale"](cpu()));
    for (int seed = 0; seed < 64; ++seed) expected_.push_back(run(serial, seed));
  }
  ~Threads() override { set_num_threads(1); }
  std::vector<Tensor> expected_;
};

TEST_F(Threads, AnyNumberGivesTheBitsOfOne) {
  for (const int threads : {1, 2, 3, 7, 16, 64}) {
    set_num_threads(threads);
    EXPECT_EQ(num_threads(), threads);
    Executor executor(specimen()["scale"](cpu()));
    for (int seed = 0; seed < 20; ++seed) {
      EXPECT_TRUE(same_bits(run(executor, seed), expected_[seed])) << threads;
    }
  }
}

TEST_F(Threads, SixtyFourOnOneModel) {
  set_num_threads(4);
  const Module lib = specimen();
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 64; ++t) {
    threads.emplace_back([&, t] {
      Executor executor(lib["scale"](cpu()));
      for (int repeat = 0; repeat < 20; ++repeat) {
        if (!same_bits(run(executor, t), expected_[t])) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

// Either call wins or is refused; what the winner computes is right.
TEST_F(Threads, OneExecutorInTwoThreadsIsRefused) {
  set_num_threads(2);
  Executor executor(specimen()["scale"](cpu()));
  executor.set_input("x", input(0));
  executor.run();
  const std::string message =
      "the executor of model 'scale' is in use by another thread; make one for each thread";
  std::atomic<int> refused{0};
  std::atomic<bool> stop{false};
  const auto work = [&] {
    while (!stop) {
      try {
        executor.run();
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kState);
        EXPECT_EQ(error.what(), message);
        ++refused;
      }
      if (refused >= 3) stop = true;
    }
  };
  std::thread other(work);
  work();
  other.join();
  Tensor y = Tensor::empty({kRows, 4}, DType::of<float>());
  executor.get_output(0, y);
  EXPECT_TRUE(same_bits(y, expected_[0]));
}

TEST_F(Threads, AnExecutorHasALimitOfItsOwn) {
  set_num_threads(4);
  Executor limited(specimen()["scale"](cpu()));
  Executor free(specimen()["scale"](cpu()));
  for (const int threads : {1, 2, 4, 1000}) {
    limited.set_num_threads(threads);
    EXPECT_TRUE(same_bits(run(limited, 3), expected_[3]));
    EXPECT_TRUE(same_bits(run(free, 3), expected_[3]));
  }
  const Module module = limited.module();
  module["set_num_threads"](1);
  EXPECT_TRUE(same_bits(run(limited, 5), expected_[5]));
  try {
    module["set_num_threads"](0);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kValue);
    EXPECT_STREQ(error.what(), "0 threads are asked for; expected 1 to 1024");
  }
}

TEST_F(Threads, OnePoolForTheProcess) {
  set_num_threads(3);
  const auto pool = runtime::process_pool();
  EXPECT_EQ(pool->workers(), 3);
  EXPECT_EQ(pool, runtime::process_pool());
  set_num_threads(2);
  EXPECT_EQ(runtime::process_pool()->workers(), 2);
}

TEST_F(Threads, ThePoolIsReplacedWhileExecutorsRun) {
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      while (!stop) {
        Executor executor(specimen()["scale"](cpu()));
        for (int repeat = 0; repeat < 5; ++repeat) {
          if (!same_bits(run(executor, t), expected_[t])) ++wrong;
        }
      }
    });
  }
  for (int repeat = 0; repeat < 50; ++repeat) {
    set_num_threads(1 + repeat % 4);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

// What `child` returns in a forked process; -1 when that did not come to its end.
template <class Child>
int in_child(const Child& child) {
  const pid_t pid = fork();
  if (pid == 0) _exit(child());
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(Threads, AChildRunsAfterAFork) {
  set_num_threads(3);
  Executor executor(specimen()["scale"](cpu()));
  ASSERT_TRUE(same_bits(run(executor, 1), expected_[1]));
  const auto runs = [&] {
    for (int seed = 0; seed < 10; ++seed) {
      if (!same_bits(run(executor, seed), expected_[seed])) return 1;
    }
    Executor fresh(specimen()["scale"](cpu()));
    return same_bits(run(fresh, 2), expected_[2]) ? 0 : 2;
  };
  const auto pool = runtime::process_pool();
  EXPECT_EQ(in_child([&] {
              if (runtime::process_pool() == pool) return 3;  // its threads are not here
              const int own = runs();
              return own != 0 ? own : in_child(runs);  // and the child's child
            }),
            0);
  EXPECT_EQ(runs(), 0);
}

TEST_F(Threads, AChildRunsWhenAnotherThreadWasAtWork) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP()
      << "its allocator, unlike libc's, stays locked in a child when another thread was in "
         "it";
#endif
  set_num_threads(3);
  std::atomic<bool> stop{false};
  std::thread worker([&] {
    Executor executor(specimen()["scale"](cpu()));
    while (!stop) run(executor, 1);
  });
  for (int repeat = 0; repeat < 10; ++repeat) {
    EXPECT_EQ(in_child([&] {
                Executor executor(specimen()["scale"](cpu()));
                return same_bits(run(executor, 4), expected_[4]) ? 0 : 1;
              }),
              0);
  }
  stop = true;
  worker.join();
}

// In a process of its own, where nothing has asked for the number of threads yet.
[[noreturn]] void exit_with_num_threads(const char* variable) {
  setenv("DOVETAIL_NUM_THREADS", variable, 1);
  try {
    _exit(num_threads());
  } catch (const Error& error) {
    fprintf(stderr, "%s\n", error.what());
    _exit(100);
  }
}

TEST(ThreadsVariable, SaysHowMany) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(exit_with_num_threads("5"), testing::ExitedWithCode(5), "");
  EXPECT_EXIT(exit_with_num_threads(""), [](int status) { return WEXITSTATUS(status) >= 1; }, "");
  for (const char* wrong : {"0", "1025", "two", "3 "}) {
    EXPECT_EXIT(exit_with_num_threads(wrong), testing::ExitedWithCode(100),
                "DOVETAIL_NUM_THREADS is '" + std::string(wrong) +
                    "'; expected a whole number from 1 to 1024");
  }
}

}  // namespace
}  // namespace dovetail
