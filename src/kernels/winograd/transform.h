// The transforms of a Winograd tile on vectors of channels.
#pragma once

#include <functional>
#include <vector>

#include "ir/loop.h"
#include "ir/winograd.h"

namespace dovetail::kernels {

class TransformCode {
 public:
  TransformCode(loop::Builder& code, int tile)
      : code_(code), transform_(ir::winograd_transform(tile)) {}

  int tile() const { return transform_.tile; }
  int points() const { return transform_.points; }  // along an axis

  using Load = std::function<loop::Value(int i, int j)>;
  using Line = std::function<std::vector<loop::Value>()>;

  // V = B^T d B; element (i, j) of the patch comes from `load`, goes to `store`.
  void input(const Load& load, const std::function<void(int, int, const loop::Value&)>& store);
  // Y = A^T m A: `row` is called for each row of pixels and calls its line, under whatever
  // condition it likes.
  void output(const Load& load, const std::function<void(int i, const Line& pixels)>& row);

 private:
  struct Term {
    double factor;
    loop::Value value;
  };
  loop::Value sum_of(const std::vector<Term>& terms);
  std::vector<loop::Value> input_line(const std::vector<loop::Value>& d);
  std::vector<loop::Value> output_line(const std::vector<loop::Value>& m);

  loop::Builder& code_;
  ir::WinogradTransform transform_;
};

}  // namespace dovetail::kernels
