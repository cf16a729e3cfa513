// The command line: results on stdout, messages on stderr; exit 0 done, 1 the user's error, 2 wrong
// usage, 70 our own bug.
#include <fmt/core.h>

#include <cstdio>
#include <exception>
#include <new>

#include "base/error.h"
#include "commands.h"

namespace {

enum ExitCode { kDone = 0, kUserError = 1, kUsage = 2, kOurBug = 70 };

int run(int argc, char** argv) {
  CLI::App app("Compiles ONNX models into one native library that stands alone.", "dovetail");
  app.set_version_flag("--version", "dovetail " DOVETAIL_VERSION);
  app.require_subcommand(1);
  dovetail::tool::add_build(app);
  dovetail::tool::add_run(app);
  dovetail::tool::add_bench(app);
  dovetail::tool::add_profile(app);
  dovetail::tool::add_inspect(app);
  dovetail::tool::add_operators(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kUsage;
  }
  return kDone;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const dovetail::Error& error) {
    if (error.kind() == dovetail::ErrorKind::kInternal) {
      fmt::print(stderr,
                 "dovetail: internal error: {}\nThis is a bug in Dovetail; please report it with "
                 "the model.\n",
                 error.what());
      return kOurBug;
    }
    fmt::print(stderr, "dovetail: {}\n", error.what());
    return kUserError;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "dovetail: not enough memory\n");
    return kUserError;
  } catch (const std::exception& error) {
    fmt::print(stderr,
               "dovetail: internal error: {}\nThis is a bug in Dovetail; please report it with the "
               "model.\n",
               error.what());
    return kOurBug;
  }
}
