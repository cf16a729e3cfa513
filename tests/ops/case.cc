#include "case.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "npy.h"

namespace dovetail::test {
namespace {

using ir::TensorData;

bool close(double ours, double theirs, double rtol, double atol) {
  if (std::isnan(theirs)) return std::isnan(ours);
  if (ours == theirs) return true;
  return std::abs(ours - theirs) <= atol + rtol * std::abs(theirs);
}

std::string difference(const TensorData& ours, const TensorData& theirs, double rtol, double atol) {
  if (ours.dtype() != theirs.dtype() || ours.shape() != theirs.shape()) {
    return fmt::format("{}[{}], expected {}[{}]", ir::name_of(ours.dtype()),
                       fmt::join(ours.shape(), ","), ir::name_of(theirs.dtype()),
                       fmt::join(theirs.shape(), ","));
  }
  for (int64_t i = 0; i < theirs.element_count(); ++i) {
    if (!ir::is_float(theirs.dtype())) {
      if (ours.as_int(i) == theirs.as_int(i)) continue;
      return fmt::format("element {} is {}, expected {}", i, ours.as_int(i), theirs.as_int(i));
    }
    if (close(ours.as_double(i), theirs.as_double(i), rtol, atol)) continue;
    return fmt::format("element {} is {:.9g}, expected {:.9g}", i, ours.as_double(i),
                       theirs.as_double(i));
  }
  return "";
}

// The files of a run, and how close its outputs must be.
void read_run(const nlohmann::json& row, Case* c) {
  c->inputs = row["inputs"];
  c->outputs = row["outputs"];
  c->rtol = row["rtol"];
  c->atol = row["atol"].is_array() ? row["atol"].get<std::vector<double>>()
                                   : std::vector<double>(c->outputs.size(), row["atol"]);
}

}  // namespace

std::vector<TensorData> Case::read_inputs() const {
  std::vector<TensorData> tensors;
  for (const std::string& file : inputs) tensors.push_back(read_npy(folder / file));
  return tensors;
}

std::vector<Case> read_cases(const std::filesystem::path& folder) {
  std::ifstream stream(folder / "cases.json");
  std::vector<Case> cases;
  for (const auto& row : nlohmann::json::parse(stream)) {
    Case c;
    c.folder = folder;
    c.suite = row["suite"];
    c.name = row["name"];
    c.model = row["model"];
    c.refused = row["refused"];
    c.refused_by_compiler = row.value("refused_by_compiler", c.refused);
    Case first = c;
    read_run(row, &first);
    for (const auto& run : row.value("later", nlohmann::json::array())) {
      read_run(run, &first.later.emplace_back(c));
    }
    cases.push_back(std::move(first));
  }
  return cases;
}

std::string differences(const std::vector<TensorData>& ours, const Case& c) {
  if (ours.size() != c.outputs.size()) {
    return fmt::format("{} outputs, expected {}", ours.size(), c.outputs.size());
  }
  for (size_t i = 0; i < ours.size(); ++i) {
    const std::string text =
        difference(ours[i], read_npy(c.folder / c.outputs[i]), c.rtol, c.atol[i]);
    if (!text.empty()) return fmt::format("output {}: {}", i, text);
  }
  return "";
}

}  // namespace dovetail::test
