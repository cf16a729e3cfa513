// A model on threads that the program starts itself: the host's parallel_for is a function of its
// own. Threads started for each loop keep the example short; a program would keep them.
//
//   dovetail build mlp.onnx -o mlp.o --header mlp.h && g++ -std=c++20 std_thread.cc mlp.o
#include <atomic>
#include <cstring>
#include <iostream>
#include <thread>
#include <vector>

#include "mlp.h"

namespace {

constexpr int64_t kBatch = 512;
constexpr int32_t kWorkers = 4;

// Called by run once for each part of the model that is worth sharing. New threads take over the
// caller's rounding mode, as the contract wants.
void thread_for(void* self, dv_task task, void* arg, int64_t chunks) {
  ++*static_cast<int*>(self);
  std::atomic<int64_t> next{0};
  const auto work = [&](int32_t worker) {
    for (int64_t chunk; (chunk = next++) < chunks;) task(arg, chunk, worker);
  };
  std::vector<std::jthread> threads;
  for (int32_t worker = 1; worker < kWorkers; ++worker) threads.emplace_back(work, worker);
  work(0);
}

std::vector<float> run(const dv_host& host, const std::vector<float>& x) {
  std::vector<float> y(x.size());
  dv_context* context = nullptr;
  dv_error error;
  if (mlp_create(&mlp_library, &host, &context, &error) != DV_OK ||
      mlp_run(&mlp_library, context, kBatch, x.data(), y.data(), &error) != DV_OK) {
    std::cerr << error.message << "\n";
    std::exit(1);
  }
  mlp_destroy(&mlp_library, context);
  return y;
}

}  // namespace

int main() {
  std::vector<float> x(kBatch * 64);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 101) / 101 - 0.5f;
  dv_host host = dovetail_malloc_host();
  const std::vector<float> serial = run(host, x);
  int calls = 0;
  host.self = &calls;
  host.parallel_for = thread_for;
  host.max_workers = kWorkers;
  const std::vector<float> shared = run(host, x);
  const bool same = std::memcmp(serial.data(), shared.data(), 4 * x.size()) == 0;
  std::cout << calls << " shared loops, " << (same ? "the same" : "OTHER") << " bits\n";
}
