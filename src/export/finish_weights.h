// Gives a linked ELF library its weights: lld linked their section as NOBITS, last in memory, so
// that it never has to copy them; here the section gets its bytes in the file. The result equals,
// byte for byte, what lld makes of an object that holds the weights.
#pragma once

#include <cstdint>
#include <vector>

namespace dovetail::exporter {

// The file is {head, weights, tail} in this order.
struct FinishedFile {
  std::vector<std::byte> head, tail;
};

// `linked` is the whole file that lld wrote. Program header and section header of the weights are
// completed (patching the program header alone would make strip drop the weights silently), and
// what followed in the file moves behind them.
FinishedFile finish_weights(std::vector<std::byte> linked);

}  // namespace dovetail::exporter
