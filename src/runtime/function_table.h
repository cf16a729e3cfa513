// The functions of a module as a table: one row for each name.
#pragma once

#include <dovetail/runtime.h>

#include <cstddef>
#include <memory>
#include <span>

#include "base/error.h"

namespace dovetail::detail {

template <class Node>
struct FunctionRow {
  const char* name;
  const char* signature;  // "(input, Tensor)"
  size_t min_args;
  size_t max_args;
  Any (*body)(Node& node, std::span<const Any> args);
};

// The row's function, which keeps the node alive.
template <class Node>
Function bind(std::shared_ptr<Node> node, const FunctionRow<Node>& row) {
  return Function(Function::Body([node = std::move(node), &row](std::span<const Any> args) {
    if (args.size() < row.min_args || args.size() > row.max_args) {
      throw_error(ErrorKind::kType, "{} takes {}, got {} arguments", row.name, row.signature,
                  args.size());
    }
    return row.body(*node, args);
  }));
}

}  // namespace dovetail::detail
