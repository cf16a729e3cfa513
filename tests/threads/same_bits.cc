// same_bits LIBRARY DIM=EXTENT...: runs the library's first model in every way that threads allow
// and compares each with one thread, bit for bit. Prints how often the model splits its work.
#include <dovetail/runtime.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include "inputs.h"

using dovetail::Executor;
using dovetail::Module;
using dovetail::Tensor;

namespace {

Tensors run(Executor& executor, const Tensors& inputs) {
  for (size_t k = 0; k < inputs.size(); ++k) executor.set_input(k, inputs[k]);
  executor.run();
  Tensors outputs;
  for (int k = 0; k < executor.num_outputs(); ++k) {
    const Tensor view = executor.get_output(k);
    outputs.push_back(Tensor::empty(view.shape(), view.dtype()));
    executor.get_output(k, outputs.back());
  }
  return outputs;
}

bool same_bits(const Tensors& a, const Tensors& b) {
  for (size_t k = 0; k < a.size(); ++k) {
    if (a[k].shape() != b[k].shape()) return false;
    if (std::memcmp(a[k].raw_data(), b[k].raw_data(), a[k].num_bytes()) != 0) return false;
  }
  return a.size() == b.size();
}

struct Case {
  Module library;
  Tensors inputs;
  Tensors expected;

  Executor executor() const { return Executor(library["default"](dovetail::cpu())); }
  void check(Executor executor, const std::string& how) const {
    for (int repeat = 0; repeat < 3; ++repeat) {
      if (!same_bits(run(executor, inputs), expected)) fail(how + ": other bits than one thread");
    }
  }
};

void check_numbers_of_threads(const Case& the) {
  for (const int threads : {2, 3, 5, 8, 16}) {
    dovetail::set_num_threads(threads);
    the.check(the.executor(), std::to_string(threads) + " threads");
  }
  Executor limited = the.executor();
  limited.set_num_threads(3);
  the.check(limited, "3 of 16 threads");
}

void check_many_callers(const Case& the, int callers) {
  dovetail::set_num_threads(4);
  std::vector<std::thread> threads;
  for (int t = 0; t < callers; ++t) {
    threads.emplace_back([&] { the.check(the.executor(), std::to_string(callers) + " callers"); });
  }
  for (std::thread& thread : threads) thread.join();
}

void check_two_callers_of_one_executor(const Case& the) {
  dovetail::set_num_threads(2);
  Executor executor = the.executor();
  the.check(executor, "one executor");
  std::atomic<int> done{0};
  const auto work = [&] {
    for (int k = 0; k < 20; ++k) {
      try {
        executor.run();
      } catch (const dovetail::Error& error) {
        if (error.kind() != dovetail::ErrorKind::kState) fail(error.what());
      }
    }
    ++done;
  };
  std::thread other(work);
  work();
  other.join();
  the.check(executor, "one executor after two threads used it");
}

// A parallel_for of the caller's own: chunks in reverse order, workers in turn.
void backwards(void* self, dv_task task, void* arg, int64_t chunks) {
  ++*static_cast<int*>(self);
  for (int64_t chunk = chunks; chunk-- > 0;) task(arg, chunk, static_cast<int32_t>(chunk % 5));
}

void* allocate(void*, size_t bytes, size_t alignment) {
  return std::aligned_alloc(alignment, (bytes + alignment) / alignment * alignment);
}

int check_backwards(const Case& the) {
  int calls = 0;
  const dv_library* library = the.library.library();
  const dv_host host = {sizeof(dv_host), 5, &calls, allocate, [](void*, void* p) { std::free(p); },
                        backwards,       0};
  const dv_api& api = *library->api;
  dv_context* context = nullptr;
  dv_error error;
  if (api.create(library->models[0], &host, &context, &error) != DV_OK) fail(error.message);
  for (size_t k = 0; k < the.inputs.size(); ++k) {
    api.set_input(context, static_cast<int32_t>(k), the.inputs[k].get(), &error);
  }
  if (api.run(context, &error) != DV_OK) fail(error.message);
  Tensors outputs;
  for (const Tensor& like : the.expected) {
    outputs.push_back(Tensor::empty(like.shape(), like.dtype()));
    const auto index = static_cast<int32_t>(outputs.size() - 1);
    if (api.copy_output(context, index, outputs.back().get(), &error) != DV_OK) fail(error.message);
  }
  api.destroy(context);
  if (!same_bits(outputs, the.expected)) fail("chunks in reverse order: other bits");
  return calls;
}

}  // namespace

int main(int argc, char** argv) try {
  dovetail::set_num_threads(1);
  Case the{Module::load(argv[1]), {}, {}};
  the.inputs = make_inputs(*the.library.model("default"), dims_of(argc - 2, argv + 2));
  Executor serial = the.executor();
  the.expected = run(serial, the.inputs);
  check_numbers_of_threads(the);
  check_many_callers(the, 64);
  check_two_callers_of_one_executor(the);
  std::printf("splits %d times\n", check_backwards(the));
  return 0;
} catch (const dovetail::Error& error) {
  fail(error.what());
}
