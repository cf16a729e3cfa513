// The model is a file that the runtime loads.
#include <dovetail/runtime.h>

#include <iostream>
#include <vector>

int main() try {
  std::vector<float> x(2 * 64);
  auto lib = dovetail::Module::load(MLP_LIBRARY);
  dovetail::Executor executor(lib["mlp"](dovetail::cpu()));
  executor.set_input("x", dovetail::Tensor::view(x.data(), {2, 64}));
  executor.run();
  std::cout << executor.get_output(0).data<float>()[0] << "\n";
  return 0;
} catch (const dovetail::Error& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
