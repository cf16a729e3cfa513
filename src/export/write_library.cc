#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

#include "base/error.h"
#include "export/executor_objects.h"
#include "export/export.h"
#include "export/finish_weights.h"
#include "export/lld.h"
#include "export/localize.h"
#include "export/temporary_folder.h"
#include "export/weights_object.h"

namespace dovetail::exporter {
namespace {

namespace fs = std::filesystem;
using Bytes = std::span<const std::byte>;

// Appends pieces to a new file; every failure of the OS names the output, not the temporary file.
class FileWriter {
 public:
  FileWriter(const fs::path& path, const fs::path& output)
      : output_(output), file_(std::fopen(path.c_str(), "wb")) {
    if (!file_) fail();
  }
  ~FileWriter() {
    if (file_) std::fclose(file_);
  }
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  void write(Bytes bytes) {
    if (!bytes.empty() && std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) fail();
  }
  void close() {
    std::FILE* file = std::exchange(file_, nullptr);
    if (std::fclose(file) != 0) fail();
  }

 private:
  [[noreturn]] void fail() const {
    throw_error(ErrorKind::kIo, "cannot write {}: {}", output_.string(), std::strerror(errno));
  }
  fs::path output_;
  std::FILE* file_;
};

std::vector<std::byte> read_all(const fs::path& path) {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                       &std::fclose);
  DOVETAIL_CHECK(file != nullptr, "the linker left no file {}", path.string());
  std::vector<std::byte> bytes(fs::file_size(path));
  DOVETAIL_CHECK(std::fread(bytes.data(), 1, bytes.size(), file.get()) == bytes.size(),
                 "cannot read {} back", path.string());
  return bytes;
}

Bytes executor_for(const ir::TargetInfo& target) {
  const Bytes bytes = embedded::executor_object(target.name);
  DOVETAIL_CHECK(!bytes.empty(), "no executor was built for {}", target.name);
  return bytes;
}

class Writer {
 public:
  explicit Writer(const LibraryJob& job) : job_(job), folder_(job.output) {}

  void write() {
    const fs::path made = folder_.file(job_.output.filename().string());
    const bool shared = job_.output.extension() == ".so";
    std::vector<std::string> inputs = write_inputs(shared);
    shared ? link_shared(std::move(inputs), made) : link_relocatable(std::move(inputs), made);
    folder_.rename_to_output(made);
  }

 private:
  bool has_weights() const { return job_.weights->size() > 0; }

  std::string write_file(const std::string& name,
                         const std::function<void(FileWriter&)>& content) const {
    const fs::path path = folder_.file(name);
    FileWriter writer(path, job_.output);
    content(writer);
    writer.close();
    return path.string();
  }

  void write_weights(FileWriter& writer) const {
    job_.weights->visit([&](Bytes bytes) { writer.write(bytes); });
  }

  std::vector<std::string> write_inputs(bool no_bits) const {
    std::vector<std::string> inputs;
    inputs.push_back(write_file("model.o", [&](FileWriter& w) { w.write(job_.object); }));
    inputs.push_back(
        write_file("executor.o", [&](FileWriter& w) { w.write(executor_for(*job_.target)); }));
    if (!has_weights()) return inputs;
    const WeightsObject object =
        weights_object(*job_.target, job_.weights_symbol, job_.weights->size(), no_bits);
    inputs.push_back(write_file("weights.o", [&](FileWriter& w) {
      w.write(object.head);
      if (!no_bits) write_weights(w);
      w.write(object.tail);
    }));
    return inputs;
  }

  void link_shared(std::vector<std::string> inputs, const fs::path& made) const {
    const std::string script = write_file("weights.ld", [](FileWriter& w) {
      const std::string text =
          fmt::format("SECTIONS {{ {0} : {{ *({0}) }} }} INSERT AFTER .bss;\n", kWeightsSection);
      w.write(std::as_bytes(std::span(text)));
    });
    std::vector<std::string> arguments{"-shared",
                                       "--threads=1",
                                       "--hash-style=gnu",
                                       "--build-id=none",
                                       "--gc-sections",
                                       "-soname=" + job_.output.filename().string(),
                                       "-znoexecstack",
                                       "-zrelro",
                                       "-znow",
                                       "-o",
                                       made.string()};
    if (has_weights()) inputs.push_back(script);
    arguments.insert(arguments.end(), inputs.begin(), inputs.end());
    run_lld_elf(arguments);
    if (has_weights()) finish(made);
  }

  void finish(const fs::path& made) const {
    const FinishedFile file = finish_weights(read_all(made));
    const fs::perms mode = fs::status(made).permissions();
    fs::remove(made);
    write_file(made.filename().string(), [&](FileWriter& w) {
      w.write(file.head);
      write_weights(w);
      w.write(file.tail);
    });
    fs::permissions(made, mode);
  }

  void link_relocatable(std::vector<std::string> inputs, const fs::path& made) const {
    std::vector<std::string> arguments{"-r", "--threads=1", "--gc-sections", "-o", made.string()};
    for (const std::string& name : job_.exported) arguments.push_back("--undefined=" + name);
    arguments.insert(arguments.end(), inputs.begin(), inputs.end());
    run_lld_elf(arguments);
    std::vector<std::byte> object = read_all(made);
    localize_symbols(&object, job_.exported);
    write_file(made.filename().string(), [&](FileWriter& w) { w.write(object); });
  }

  const LibraryJob& job_;
  TemporaryFolder folder_;
};

}  // namespace

void write_library(const LibraryJob& job) {
  const std::string suffix = job.output.extension().string();
  if (suffix != ".so" && suffix != ".o") {
    throw_error(ErrorKind::kValue,
                "cannot export {}: the suffix '{}' names no form of library for {}; use .so for "
                "its loader or .o for its linker",
                job.output.string(), suffix, job.target->name);
  }
  Writer(job).write();
}

}  // namespace dovetail::exporter
