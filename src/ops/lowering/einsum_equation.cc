#include "ops/lowering/einsum_equation.h"

#include <algorithm>
#include <map>

#include "base/error.h"

namespace dovetail::ops {
namespace {

constexpr std::string_view kEllipsis = "...";

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::vector<std::string> terms_of(const std::string& list) {
  std::vector<std::string> terms(1);
  for (const char c : list) {
    if (c == ',') {
      terms.emplace_back();
    } else {
      terms.back() += c;
    }
  }
  return terms;
}

// Letters of a term, "..." as `axes` labels.
Labels labels_of(const std::string& term, int axes) {
  Labels labels;
  bool expanded = false;
  for (size_t i = 0; i < term.size(); ++i) {
    if (is_letter(term[i])) {
      labels.push_back(term[i]);
      continue;
    }
    if (term.compare(i, kEllipsis.size(), kEllipsis) != 0 || expanded) {
      throw_error(ErrorKind::kValue,
                  "the equation's term '{}' holds '{}', expected letters and at most one '...'",
                  term, term[i]);
    }
    expanded = true;
    for (int axis = axes; axis > 0; --axis) labels.push_back(-axis);
    i += kEllipsis.size() - 1;
  }
  return labels;
}

Labels implied_result(const std::vector<Labels>& operands, int axes) {
  std::map<Label, int> counts;
  for (const Labels& labels : operands) {
    for (const Label label : labels) ++counts[label];
  }
  Labels result;
  for (int axis = axes; axis > 0; --axis) result.push_back(-axis);
  for (const auto& [label, count] : counts) {
    if (label > 0 && count == 1) result.push_back(label);
  }
  return result;
}

void check_result(const EinsumEquation& equation, const std::string& text) {
  for (size_t i = 0; i < equation.result.size(); ++i) {
    const Label label = equation.result[i];
    if (std::count(equation.result.begin(), equation.result.end(), label) > 1) {
      throw_error(ErrorKind::kValue, "the equation '{}' has '{}' twice in its result", text,
                  text_of(label));
    }
    const bool known =
        label < 0 || std::any_of(
                         equation.operands.begin(), equation.operands.end(),
                         [&](const Labels& labels) {
                           return std::find(labels.begin(), labels.end(), label) != labels.end();
                         });
    if (!known) {
      throw_error(ErrorKind::kValue, "the equation '{}' has '{}' in its result only", text,
                  text_of(label));
    }
  }
}

}  // namespace

std::string text_of(Label label) {
  return label < 0 ? std::string(kEllipsis) : std::string(1, static_cast<char>(label));
}

EinsumEquation parse_einsum(const std::string& text, const std::vector<int>& ranks) {
  std::string compact;
  std::copy_if(text.begin(), text.end(), std::back_inserter(compact),
               [](char c) { return c != ' '; });
  const size_t arrow = compact.find("->");
  const std::vector<std::string> terms = terms_of(compact.substr(0, arrow));
  if (terms.size() != ranks.size()) {
    throw_error(ErrorKind::kValue, "the equation '{}' has {} operands, but there are {} inputs",
                text, terms.size(), ranks.size());
  }
  EinsumEquation equation;
  int most_axes = 0;  // that any "..." stands for
  for (size_t k = 0; k < terms.size(); ++k) {
    const bool expands = terms[k].find('.') != std::string::npos;
    const int letters = static_cast<int>(labels_of(terms[k], 0).size());
    const int axes = expands ? std::max(ranks[k] - letters, 0) : 0;
    equation.operands.push_back(labels_of(terms[k], axes));
    if (static_cast<int>(equation.operands.back().size()) != ranks[k]) {
      throw_error(ErrorKind::kValue,
                  "the equation's term '{}' has {} letters, but input {} has rank {}", terms[k],
                  letters, k, ranks[k]);
    }
    most_axes = std::max(most_axes, axes);
  }
  equation.result = arrow == std::string::npos ? implied_result(equation.operands, most_axes)
                                               : labels_of(compact.substr(arrow + 2), most_axes);
  check_result(equation, text);
  return equation;
}

}  // namespace dovetail::ops
