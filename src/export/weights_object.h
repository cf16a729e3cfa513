// The relocatable object that holds a library's weights: one section, one hidden symbol, one note.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ir/target.h"

namespace dovetail::exporter {

inline constexpr const char* kWeightsSection = ".dovetail.weights";

// The object's bytes up to the weights and behind them. With `no_bits` the section only states its
// size and nothing stands between the two.
struct WeightsObject {
  std::vector<std::byte> head, tail;
};
WeightsObject weights_object(const ir::TargetInfo& target, const std::string& symbol, int64_t size,
                             bool no_bits);

}  // namespace dovetail::exporter
