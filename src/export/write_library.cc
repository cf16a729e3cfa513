#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

#include "base/error.h"
#include "export/archive.h"
#include "export/executor_objects.h"
#include "export/export.h"
#include "export/finish_weights.h"
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
  explicit Writer(const LibraryJob& job)
      : job_(job), suffix_(job.output.extension().string()), folder_(job.output) {}

  void write() {
    const fs::path made = folder_.file(job_.output.filename().string());
    const bool finish_later = suffix_ == ".so" && !job_.fcompile && has_weights();
    LinkJob link{.objects = write_objects(finish_later),
                 .output = made,
                 .exported = job_.exported,
                 .target = {std::string(job_.target->name), {}}};
    if (job_.fcompile) {
      call_fcompile(link);
    } else if (suffix_ == ".a") {
      link.output = folder_.file(job_.output.stem().string() + ".o");
      link_builtin(link);
      localize(link.output);
      archive(link.output, made);
    } else {
      link_builtin(link);
    }
    if (finish_later) finish(made);
    if (suffix_ == ".o") localize(made);
    folder_.rename_to_output(made);
  }

 private:
  bool has_weights() const { return job_.weights->size() > 0; }

  fs::path write_file(const std::string& name,
                      const std::function<void(FileWriter&)>& content) const {
    const fs::path path = folder_.file(name);
    FileWriter writer(path, job_.output);
    content(writer);
    writer.close();
    return path;
  }

  void write_weights(FileWriter& writer) const {
    job_.weights->visit([&](Bytes bytes) { writer.write(bytes); });
  }

  std::vector<fs::path> write_objects(bool no_bits) const {
    std::vector<fs::path> objects;
    // Not a name that an output may have.
    for (const std::vector<std::byte>& object : job_.objects) {
      objects.push_back(write_file(fmt::format("model.{}.code.o", objects.size()),
                                   [&](FileWriter& w) { w.write(object); }));
    }
    objects.push_back(
        write_file("executor.code.o", [&](FileWriter& w) { w.write(executor_for(*job_.target)); }));
    if (!has_weights()) return objects;
    const WeightsObject object =
        weights_object(*job_.target, job_.weights_symbol, job_.weights->size(), no_bits);
    objects.push_back(write_file("weights.data.o", [&](FileWriter& w) {
      w.write(object.head);
      if (!no_bits) write_weights(w);
      w.write(object.tail);
    }));
    return objects;
  }

  void call_fcompile(const LinkJob& link) const {
    job_.fcompile(link);
    std::error_code error;
    const bool made = fs::is_regular_file(link.output, error);
    if (made && fs::file_size(link.output, error) > 0) return;
    throw_error(ErrorKind::kValue, "cannot export {}: fcompile made {} file {}",
                job_.output.string(), made ? "an empty" : "no", link.output.string());
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

  void localize(const fs::path& made) const {
    std::vector<std::byte> object = read_all(made);
    localize_symbols(&object, job_.exported);
    write_file(made.filename().string(), [&](FileWriter& w) { w.write(object); });
  }

  void archive(const fs::path& object, const fs::path& made) const {
    const std::vector<std::byte> bytes = archive_of(object.filename().string(), read_all(object));
    write_file(made.filename().string(), [&](FileWriter& w) { w.write(bytes); });
  }

  const LibraryJob& job_;
  std::string suffix_;
  TemporaryFolder folder_;
};

}  // namespace

void write_library(const LibraryJob& job) {
  check_suffix(job.output);
  Writer(job).write();
}

void check_suffix(const fs::path& output) {
  const std::string suffix = output.extension().string();
  if (suffix == ".so" || suffix == ".o" || suffix == ".a") return;
  throw_error(ErrorKind::kValue,
              "cannot export {}: the suffix '{}' names no form of library; use .so for the "
              "target's loader, .o or .a for its linker",
              output.string(), suffix);
}

}  // namespace dovetail::exporter
