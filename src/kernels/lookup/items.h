// What a kernel over positions computes, as a list of items. Every item is computed where it
// starts to vary, so that a row of elements repeats only what differs from element to element.
#pragma once

#include <optional>
#include <vector>

#include "kernels/kernel.h"

namespace dovetail::kernels::lookup {

// Axes of the domain whose extent is not 1: the last one runs along elements, the one before along
// rows, the others are outer.
enum class Level : uint8_t { kCall, kOuter, kRow, kElement };

struct Item {
  enum class Kind : uint8_t {
    kScalar,  // `node` on the arguments
    kIndex,   // the position along domain axis `axis`
    kDim,     // entry `axis` of dims
    kTerm,    // bytes from a tensor's start to argument 0 along `axis`
    kSum,     // of the arguments, int64
    kLoad     // of `tensor`: argument 0 is an offset in bytes that is the same in a whole row, the
              // others are terms that vary
  };
  Kind kind = Kind::kScalar;
  ir::DType dtype = ir::DType::kI64;
  Level level = Level::kCall;
  std::vector<int> arguments = {};  // earlier items
  ir::ScalarNode node = {};
  int tensor = -1;
  int axis = -1;
  bool clamped = false;  // kTerm: into the tensor
  bool operator==(const Item&) const = default;
};

// The coordinate of `axis` is the element's index plus item `shift`, and elements along it lie side
// by side: a row reads or writes a run of memory. Or it is index / `repeat`, all of them inside.
struct Run {
  int axis;
  int shift = -1;  // -1: 0
  int repeat = 1;
};

class Items {
 public:
  // `domain`: the positions. Tensors are numbered operands first, then results.
  Items(const Request& request, const ir::Shape& domain);

  // The item that an expression ends in.
  int add(const ir::ScalarExpr& expr);
  int index(int domain_axis);
  int load(int tensor, const std::vector<int>& coordinates);
  // Bytes to the element of `tensor` at coordinates that are all inside, as far as they are the
  // same in a whole row (-1: none), and the terms of those that vary.
  int row_offset(int tensor, const std::vector<int>& coordinates);
  std::vector<int> varying_terms(int tensor, const std::vector<int>& coordinates);
  // How coordinates address a run of `tensor` along a row, where they do.
  std::optional<Run> run_of(int tensor, const std::vector<int>& coordinates);

  const Item& operator[](int item) const { return items_[item]; }
  int size() const { return static_cast<int>(items_.size()); }
  const Layout& tensor(int t) const;
  int target() const { return static_cast<int>(request_.operands.size()); }  // the result
  const ir::Shape& domain() const { return domain_; }
  // Domain axes that are not of extent 1, outermost first.
  const std::vector<int>& axes() const { return axes_; }
  // The run that a load reads.
  std::optional<Run> run_of_load(int load) const { return runs_[load]; }
  // No position of a row is outside along a run.
  bool covers(int tensor, const Run& run) const;
  bool may_be_empty(int tensor) const;

 private:
  int append(Item item);
  int sum(const std::vector<int>& terms);
  std::vector<int> terms(int tensor, const std::vector<int>& coordinates, bool clamped);
  int join_row_terms(const std::vector<int>& terms);
  // Whether an item is the element's index plus what does not vary along a row.
  bool find_shift(int item, int* shift);
  // How often elements repeat when an item is the element's index divided by that; else 1.
  int repeat_of(int item) const;
  bool is_zero(int item) const;

  const Request& request_;
  ir::Shape domain_;
  std::vector<int> axes_;
  std::vector<Item> items_;
  std::vector<std::optional<Run>> runs_;  // per item; of loads
};

}  // namespace dovetail::kernels::lookup
