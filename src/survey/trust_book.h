// survey/trust_book.h - which keys a module is checked against: those of the kernel image it
// belongs to.
//
// Images are noted as they are found; modules ask by the release they were built for. A module that
// comes before its image waits, as evidence of a few hundred bytes; meanwhile its verdict can be
// prepared, once the image has shown a list and while the rest of it is searched for another. Once
// no further image can turn up in the run, those that the host has installed are looked at
// (/lib/modules/X/vmlinuz, /boot/vmlinuz-X).

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "survey/examine.h"
#include "trust/platform.h"
#include "trust/system_certificates.h"

namespace assay {

enum class TrustSource : std::uint8_t { option, image };

// A kernel image that was found, and its certificate list or why there is none.
struct ImageTrust {
  std::string name;  // the image's, as printed
  std::string container;
  std::string release;
  std::string banner;
  KernelId kernel;
  Standing standing = Standing::unchecked;  // of the image itself
  std::vector<std::shared_ptr<const PreparedCertificate>> certificates;
  FoundBy found_by = FoundBy::structure;
  std::optional<Error> error;
};

// What one artifact is checked against.
struct Trust {
  TrustSource source = TrustSource::image;
  std::shared_ptr<const ImageTrust> image;  // where the keys, or the kernel's version, come from
  Platform platform;
  std::vector<std::string> refused;  // certificates that this kernel does not load, and why
};

// Trust, or why there is none.
using TrustAnswer = Result<std::shared_ptr<const Trust>>;

struct TrustOptions {
  std::vector<std::shared_ptr<const PreparedCertificate>> certificates;  // --trust
  bool has_certificates = false;
  std::shared_ptr<const ImageTrust> image;  // --kernel
  std::optional<KernelVersion> version;     // --kernel-version
  bool use_host = true;
};

class TrustBook {
 public:
  // `run_later` queues work that a lookup has waited for.
  TrustBook(TrustOptions options, std::function<void(std::function<void()>)> run_later);

  // An image whose search has not ended. Lookups prepare for it, and are not answered by it.
  void propose_image(std::shared_ptr<const ImageTrust> image);
  void add_image(std::shared_ptr<const ImageTrust> image);
  // The configuration of the kernel `release` in this container.
  void add_config(const std::string& container, const std::string& release, KernelConfig config);
  // No image will be added any more, but for those that lookups ask the host for.
  void no_more_images();

  // Calls `answer` now or later with what `artifact` is checked against; before that perhaps
  // `prepare`, at the same time perhaps, with what it will likely be: the same pointer then.
  using Prepare = std::function<void(const std::shared_ptr<const Trust>&)>;
  void find(const Examined& artifact, std::function<void(TrustAnswer)> answer,
            Prepare prepare = {});

  // The kernel that an image is, as its package describes it: built-in keys and configuration. How
  // it is booted, and which keys are added then, is not known.
  Platform package_platform(const Trust& trust) const;

 private:
  struct Question {
    std::string container;
    std::string release;
    std::string path;
    std::optional<Arch> arch;
    std::function<void(TrustAnswer)> answer;
    Prepare prepare;
  };

  bool try_answer(const Question& question);
  void ask_host(const std::string& release, const std::string& path);
  std::shared_ptr<const ImageTrust> best_image(const Question& question) const;
  void prepare_for(const std::shared_ptr<const ImageTrust>& image, const Question& question);
  TrustAnswer trust_of(const std::shared_ptr<const ImageTrust>& image);
  TrustAnswer option_trust(const Question& question);

  const TrustOptions options_;
  const std::function<void(std::function<void()>)> run_later_;
  mutable std::mutex mutex_;
  bool complete_ = false;
  std::multimap<std::string, std::shared_ptr<const ImageTrust>> images_;  // by release
  std::vector<std::shared_ptr<const ImageTrust>> proposed_;
  std::map<std::pair<std::string, std::string>, KernelConfig> configs_;  // by container and release
  std::vector<Question> waiting_;
  std::set<std::string> asked_;  // releases that the host is, or was, asked for
  std::set<std::string> told_;   // those of them that it has answered
  std::map<const ImageTrust*, std::shared_ptr<const Trust>> by_image_;
  std::map<std::string, std::shared_ptr<const Trust>> by_kernel_;  // for --trust
};

// Reads an image's certificate list. Never fails: what goes wrong stands in the result. `propose`
// is told what the result will likely be, while the image is searched to its end.
using ProposeImage = std::function<void(std::shared_ptr<const ImageTrust>)>;
std::shared_ptr<const ImageTrust> read_image_trust(const Examined& artifact, const Content& content,
                                                   const ProposeImage& propose = {});

// The image at `path` (--kernel); image_unknown when it is none.
Result<std::shared_ptr<const ImageTrust>> open_image_trust(const std::string& path);

// The kernel that a release string names, as far as it does.
KernelId kernel_of(std::string_view release_or_banner, std::optional<Arch> arch,
                   std::optional<KernelVersion> version);

}  // namespace assay
