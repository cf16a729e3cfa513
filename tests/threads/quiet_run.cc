// quiet_run LIBRARY [DIM=EXTENT...]: a serial run of a model whose shapes are known makes no
// allocation, lock or system call. quiet_run --trap malloc|lock|call shows that the trap sees one.
// Exit status 77: this system has no trap.
#include <unistd.h>

#include <cstring>
#include <mutex>

#include "inputs.h"
#include "trap.h"

using dovetail::Executor;
using dovetail::Module;
using dovetail::Tensor;

namespace {

void arm() {
  trap_prepare();
  if (trap_arm()) return;
  std::printf("this system does not let a process filter its system calls\n");
  std::exit(77);
}

int trap(const std::string& what) {
  static std::mutex mutex;
  arm();
  if (what == "malloc") std::free(std::malloc(10));
  if (what == "lock") mutex.lock();
  if (what == "call") (void)getppid();
  trap_exit("nothing trapped", 0);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc == 3 && std::strcmp(argv[1], "--trap") == 0) return trap(argv[2]);
  dovetail::set_num_threads(1);
  Executor executor(Module::load(argv[1])["default"](dovetail::cpu()));
  const Tensors inputs = make_inputs(executor.model(), dims_of(argc - 2, argv + 2));
  for (size_t k = 0; k < inputs.size(); ++k) executor.set_input(k, inputs[k]);
  executor.run();  // of these shapes the first one: it may allocate
  Tensors outputs, expected;
  for (int k = 0; k < executor.num_outputs(); ++k) {
    outputs.push_back(executor.get_output(k));
    expected.push_back(Tensor::empty(outputs[k].shape(), outputs[k].dtype()));
    executor.get_output(k, expected[k]);
    std::memset(outputs[k].raw_data(), 0xff, outputs[k].num_bytes());
  }
  arm();
  executor.run();
  for (size_t k = 0; k < outputs.size(); ++k) {
    const size_t bytes = outputs[k].num_bytes();
    if (std::memcmp(outputs[k].raw_data(), expected[k].raw_data(), bytes) != 0) {
      trap_exit("the second run gives another answer", 1);
    }
  }
  trap_exit("quiet", 0);
} catch (const dovetail::Error& error) {
  fail(error.what());
}
