// What a library's functions give for compiled models: lists of outputs, iterations, branches.
// Prints "passed" or the first check that fails. Arguments: the libraries of
// test_module_interface.py.
#include <dovetail/runtime.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#define CHECK(condition)                                  \
  do {                                                    \
    if (!(condition)) {                                   \
      std::printf("line %d: %s\n", __LINE__, #condition); \
      std::exit(1);                                       \
    }                                                     \
  } while (0)

namespace {

using namespace dovetail;

Tensor floats(int64_t count, float first) {
  Tensor x = Tensor::empty({count}, DType::of<float>());
  for (int64_t i = 0; i < count; ++i) x.data<float>()[i] = first + static_cast<float>(i);
  return x;
}

template <class T>
Tensor scalar(T value) {
  Tensor x = Tensor::empty({}, DType::of<T>());
  *x.data<T>() = value;
  return x;
}

// y = -(x * 2^trips), sums[k] = sum(x) * 2^(k+1)
void outputs_come_as_a_list(const Module& loop) {
  for (const int64_t trips : {4, 0, 2}) {
    const auto outputs = loop["loop.run"](scalar(trips), floats(40, 1)).as<std::vector<Tensor>>();
    CHECK(outputs.size() == 2 && outputs[1].shape()[0] == trips);
    CHECK(outputs[0].data<float>()[1] == -2.0f * static_cast<float>(1 << trips));
    for (int64_t k = 0; k < trips; ++k) {
      CHECK(outputs[1].data<float>()[k] == 820.0f * static_cast<float>(2 << k));
    }
  }
}

void many_threads_call_at_once(const Module& loop) {
  const Function run = loop["loop.run"];
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&run, t] {
      for (int64_t repeat = 0; repeat < 100; ++repeat) {
        const int64_t trips = (t + repeat) % 7;
        const auto outputs =
            run(scalar(trips), floats(40, static_cast<float>(t))).as<std::vector<Tensor>>();
        CHECK(outputs[1].shape()[0] == trips);
        CHECK(outputs[0].data<float>()[0] == -static_cast<float>(t * (1 << trips)));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

void steps_tell_their_iteration(const Module& loop) {
  DebugExecutor executor(loop["loop.debug"](cpu()));
  executor.set_input("trips", scalar(int64_t{3}));
  executor.set_input("x", floats(40, 0));
  executor.run();
  std::vector<int64_t> iterations;
  int outside = 0;
  for (const StepTime& time : executor.step_times()) {
    const bool doubles = std::strcmp(time.step->nodes, "loop/body/double") == 0;
    if (doubles) iterations.push_back(time.iteration);
    if (std::strcmp(time.step->nodes, "neg") == 0 && time.iteration == -1) ++outside;
  }
  CHECK((iterations == std::vector<int64_t>{0, 1, 2}) && outside == 1);
  CHECK(executor.get_tensor("loop/body/doubled").data<float>()[1] == 8.0f);
  // In a loop the run stops in the first iteration.
  CHECK(executor.run_until("loop/body/sum"));
  CHECK(executor.get_tensor("loop/body/doubled").data<float>()[1] == 2.0f);
  executor.run();
  CHECK(executor.get_output("y").data<float>()[1] == -8.0f);
}

// y = condition ? exp(x) : -x
void a_branch_may_be_left_out(const Module& branch) {
  DebugExecutor executor(branch["branch.debug"](cpu()));
  executor.set_input("x", floats(8, 1));
  for (const bool condition : {true, false}) {
    executor.set_input("condition", scalar(condition));
    CHECK(executor.run_until("if/then_branch/exp") == condition);
    CHECK(executor.run_until("if/else_branch/neg") == !condition);
    executor.run();
    const std::vector<StepTime> times = executor.step_times();
    const char* ran = condition ? "if/then_branch/exp" : "if/else_branch/neg";
    bool found = false;
    for (const StepTime& time : times) found |= std::strcmp(time.step->nodes, ran) == 0;
    CHECK(found);
    try {
      executor.get_tensor(condition ? "if/else_branch/n" : "if/then_branch/e");
      CHECK(!"a tensor of the branch that did not run");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kState);
    }
  }
}

}  // namespace

int main(int, char** arguments) {
  const Module loop = Module::load(arguments[1]);
  outputs_come_as_a_list(loop);
  many_threads_call_at_once(loop);
  steps_tell_their_iteration(loop);
  a_branch_may_be_left_out(Module::load(arguments[2]));
  std::printf("passed\n");
  return 0;
}
