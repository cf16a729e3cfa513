// Runs the cases of a folder: each is an ONNX file, inputs and expected outputs as .npy. The file
// is imported, the graph verified and evaluated, and the outputs are compared: importer and
// operators against onnxruntime or the ONNX reference, without any kernel.
//
//   evaluate_cases FOLDER [gtest options]      FOLDER/cases.json lists the cases
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "import/import.h"
#include "ir/evaluate.h"
#include "npy.h"

namespace dovetail {
namespace {

using ir::TensorData;
namespace fs = std::filesystem;

struct Case {
  fs::path folder;
  std::string model;
  std::vector<std::string> inputs, outputs;
  double rtol = 0, atol = 0;
  std::string refused;  // expected message; "": must pass
};

struct Tally {
  int passed = 0, refused = 0, total = 0;
} tally;

bool close(double ours, double theirs, const Case& c) {
  if (std::isnan(theirs)) return std::isnan(ours);
  if (ours == theirs) return true;
  return std::abs(ours - theirs) <= c.atol + c.rtol * std::abs(theirs);
}

void compare(const TensorData& ours, const TensorData& theirs, const Case& c, size_t output) {
  ASSERT_EQ(ir::name_of(ours.dtype()), ir::name_of(theirs.dtype())) << "output " << output;
  ASSERT_EQ(ours.shape(), theirs.shape()) << "output " << output;
  for (int64_t i = 0; i < theirs.element_count(); ++i) {
    if (ir::is_float(theirs.dtype())) {
      ASSERT_TRUE(close(ours.as_double(i), theirs.as_double(i), c))
          << "output " << output << " element " << i << ": " << ours.as_double(i) << ", expected "
          << theirs.as_double(i);
    } else {
      ASSERT_EQ(ours.as_int(i), theirs.as_int(i)) << "output " << output << " element " << i;
    }
  }
}

void run(const Case& c) {
  std::shared_ptr<ir::Graph> graph;
  try {
    graph = import::import_onnx(c.folder / c.model, {});
  } catch (const Error& error) {
    ASSERT_NE(error.kind(), ErrorKind::kInternal) << error.what();
    ASSERT_FALSE(c.refused.empty()) << error.what();
    ASSERT_NE(std::string(error.what()).find(c.refused), std::string::npos) << error.what();
    ++tally.refused;
    return;
  }
  ASSERT_EQ(c.refused, "") << "this was expected to be refused";
  ir::verify(*graph);
  std::vector<TensorData> inputs;
  for (const std::string& file : c.inputs) inputs.push_back(test::read_npy(c.folder / file));
  const std::vector<TensorData> ours = ir::evaluate(*graph, inputs);
  ASSERT_EQ(ours.size(), c.outputs.size());
  for (size_t i = 0; i < ours.size(); ++i) {
    compare(ours[i], test::read_npy(c.folder / c.outputs[i]), c, i);
    if (testing::Test::HasFatalFailure()) return;
  }
  ++tally.passed;
}

class CaseTest : public testing::Test {
 public:
  explicit CaseTest(Case c) : case_(std::move(c)) {}
  void TestBody() override {
    ++tally.total;
    try {
      run(case_);
    } catch (const std::exception& error) {
      FAIL() << error.what();
    }
  }

 private:
  Case case_;
};

void register_cases(const fs::path& folder) {
  std::ifstream stream(folder / "cases.json");
  for (const auto& row : nlohmann::json::parse(stream)) {
    Case c{folder,      row["model"], row["inputs"],           row["outputs"],
           row["rtol"], row["atol"],  row.value("refused", "")};
    const std::string suite = row["suite"], name = row["name"];
    testing::RegisterTest(suite.c_str(), name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                          [c]() -> testing::Test* { return new CaseTest(c); });
  }
}

}  // namespace
}  // namespace dovetail

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc != 2) {
    std::cerr << "usage: evaluate_cases FOLDER\n";
    return 2;
  }
  dovetail::register_cases(argv[1]);
  const int status = RUN_ALL_TESTS();
  std::cout << dovetail::tally.passed << " passed, " << dovetail::tally.refused << " refused, "
            << dovetail::tally.total << " total\n";
  return status;
}
