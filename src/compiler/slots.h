// Places in the values table of a context, one for each value.
#pragma once

#include <dovetail/abi.h>

#include <map>
#include <vector>

#include "ir/dim.h"

namespace dovetail::compiler {

class Slots {
 public:
  // Made when it is not there.
  int of(const ir::Dim& dim) {
    const auto [found, inserted] = slots_.try_emplace(dim, count());
    if (inserted) dims_.push_back(dim);
    return found->second;
  }
  int at(const ir::Dim& dim) const { return slots_.at(dim); }
  const std::vector<ir::Dim>& dims() const { return dims_; }  // in the order of their slots
  int count() const { return static_cast<int>(dims_.size()) + DV_FIRST_SLOT; }

 private:
  std::map<ir::Dim, int> slots_;
  std::vector<ir::Dim> dims_;
};

}  // namespace dovetail::compiler
