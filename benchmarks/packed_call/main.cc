// main OUR_LIBRARY THEIR_LIBRARY: the time of calls that do nothing, ours and tvm_ffi's own, in
// turns. Prints a line for each kind: nanoseconds of ours and theirs (the best of many), and their
// ratio.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

#include "side.h"

namespace {

constexpr int kCalls = 20000;
constexpr int kRepeats = 400;

double nanoseconds(const std::function<void(int)>& calls) {
  const auto start = std::chrono::steady_clock::now();
  calls(kCalls);
  const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - start;
  return time.count() / kCalls;
}

void compare(const char* name, const std::function<void(int)>& ours,
             const std::function<void(int)>& theirs) {
  double best[2] = {1e9, 1e9};
  for (int k = 0; k < kRepeats; ++k) {
    best[0] = std::min(best[0], nanoseconds(ours));
    best[1] = std::min(best[1], nanoseconds(theirs));
  }
  std::printf("%s\t%.2f\t%.2f\t%.3f\n", name, best[0], best[1], best[0] / best[1]);
}

}  // namespace

int main(int, char** argv) {
  const Side ours = dovetail_side();
  const Side theirs = tvm_ffi_side();
  compare("no arguments", ours.no_arguments, theirs.no_arguments);
  compare("three integers", ours.three_integers, theirs.three_integers);
  compare("three tensors", ours.three_tensors, theirs.three_tensors);
  compare("of a library", library_function(argv[1], "dovetail.library"),
          library_function(argv[2], "pointer"));
  // From its first thread on a program's std::shared_ptr counts atomically, as tvm_ffi always does.
  std::thread([] {}).join();
  compare("three tensors, threads", ours.three_tensors, theirs.three_tensors);
}
