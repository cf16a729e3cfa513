// The equation of an Einsum: which label each axis of each operand has, and those of the result.
#pragma once

#include <string>
#include <vector>

namespace dovetail::ops {

// A letter, or one of the axes that "..." stands for: -1 is the last of them, -2 the one before.
using Label = int;
using Labels = std::vector<Label>;

struct EinsumEquation {
  std::vector<Labels> operands;
  Labels result;
};

// kValue says what of the text is wrong. `ranks`: of the operands. Without "->" the result has the
// axes of "..." and then, in the order of the alphabet, the letters that occur once.
EinsumEquation parse_einsum(const std::string& text, const std::vector<int>& ranks);

// "i", or "..." for an axis it stands for.
std::string text_of(Label label);

}  // namespace dovetail::ops
