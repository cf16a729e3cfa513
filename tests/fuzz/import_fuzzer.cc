// Bytes -> graph: whatever the file, the importer gives a graph that is sound, or refuses it.
#include "import/import.h"
#include "input_file.h"
#include "refusal.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const dovetail::fuzz::InputFile file(data, size);
  dovetail::fuzz::expect_refusal_or_success(
      [&] { dovetail::ir::verify(*dovetail::import::import_onnx(file.path(), {})); });
  return 0;
}
