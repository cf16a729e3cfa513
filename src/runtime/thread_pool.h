// Threads that share out the chunks of one task at a time.
#pragma once

#include <dovetail/abi.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace dovetail::runtime {

class ThreadPool {
 public:
  // `workers` >= 1 counts the caller of run(), so that workers - 1 threads are started.
  explicit ThreadPool(int workers);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int workers() const { return static_cast<int>(threads_.size()) + 1; }

  // Runs task(arg, c, worker) for every c below `chunks`, with worker < max_workers, and returns
  // when all are done. Threads run in the caller's floating-point mode. False, and nothing is run,
  // when the pool works for another caller.
  bool try_run(dv_task task, void* arg, int64_t chunks, int max_workers);

 private:
  // `gate_` says whether there is a job and who is at it: bit 0 to 15 the threads that have joined
  // and not left, bit 16 whether one may still join, above it the job's number. The fields of job_
  // change only while the gate is closed and nobody has joined.
  struct Job {
    dv_task task = nullptr;
    void* arg = nullptr;
    int64_t chunks = 0;
    int workers = 0;
    uint64_t mode = 0;
    std::atomic<int64_t> next_chunk{0};
    std::atomic<int> next_worker{0};
  };

  void serve();
  uint64_t wait_for_job(uint64_t seen);
  bool join(uint64_t gate);
  void leave();
  void work(int worker);
  void wake(int threads);
  void wait_until_left();

  Job job_;
  std::atomic<uint64_t> gate_{0};
  std::atomic<bool> busy_{false};
  std::atomic<bool> stop_{false};
  std::atomic<int> sleepers_{0};
  std::atomic<bool> caller_sleeps_{false};
  std::mutex mutex_;
  std::condition_variable job_opened_;
  std::condition_variable all_left_;
  int spin_microseconds_;
  std::vector<std::thread> threads_;
};

}  // namespace dovetail::runtime
