// Runs the cases of a folder: the file is imported, the graph verified and evaluated, and the
// outputs are compared: importer and operators against onnxruntime or the ONNX reference, without
// any kernel.
//
//   evaluate_cases FOLDER [gtest options]      FOLDER/cases.json lists the cases
#include <gtest/gtest.h>

#include <iostream>

#include "base/error.h"
#include "case.h"
#include "import/import.h"
#include "ir/evaluate.h"

namespace dovetail {
namespace {

using test::Case;

struct Tally {
  int passed = 0, refused = 0, total = 0;
} tally;

void run(const Case& c) {
  std::shared_ptr<ir::Graph> graph;
  try {
    graph = import::import_onnx(c.model_path(), {});
  } catch (const Error& error) {
    ASSERT_NE(error.kind(), ErrorKind::kInternal) << error.what();
    ASSERT_FALSE(c.refused.empty()) << error.what();
    ASSERT_NE(std::string(error.what()).find(c.refused), std::string::npos) << error.what();
    ++tally.refused;
    return;
  }
  ASSERT_EQ(c.refused, "") << "this was expected to be refused";
  ir::verify(*graph);
  ASSERT_EQ(test::differences(ir::evaluate(*graph, c.read_inputs()), c), "");
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

void register_cases(const std::filesystem::path& folder) {
  for (const Case& c : test::read_cases(folder)) {
    testing::RegisterTest(c.suite.c_str(), c.name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
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
