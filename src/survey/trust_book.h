// survey/trust_book.h - which keys a module is checked against: those of the kernel image it
// belongs to, by the release of the folder that it lies in (lib/modules/X), else by the one it was
// built for. Of several images of one release the installed one counts (choose_image).
//
// A module that comes before its image waits; meanwhile its verdict can be prepared, once the image
// has shown a list. Once no further image can turn up in the run, those that are installed are
// looked at, beside the module and on the host (/lib/modules/X/vmlinuz, /boot/vmlinuz-X).

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
#include "survey/kernel_choice.h"
#include "survey/trust_options.h"
#include "trust/boot_keyring.h"
#include "trust/module_root.h"
#include "trust/platform.h"
#include "trust/system_certificates.h"

namespace assay {

// A kernel's configuration that was found, or why it could not be read.
struct ConfigFile {
  std::string name;  // as printed
  std::string container;
  Result<KernelConfig> config;
};

// A kernel image that was found, and its certificate list or why there is none.
struct ImageTrust {
  std::string name;  // the image's, as printed
  std::string container;
  std::string path;        // on disk, where it is a file of its own
  std::string inner_name;  // in its container
  std::string place;       // its absolute path, or that in its container, begun with a slash
  std::string release;
  std::string banner;
  KernelChoice kernel;
  Standing standing = Standing::unchecked;  // of the image itself
  std::vector<std::shared_ptr<const PreparedCertificate>> certificates;
  FoundBy found_by = FoundBy::structure;
  // What CONFIG_MODULE_HASHES left in it, where that was looked for.
  std::optional<FoundModuleHashes> module_hashes;
  std::optional<Error> error;
  std::shared_ptr<const ConfigFile> config;  // beside it on disk, where it was looked for
};

// What one artifact is checked against.
struct Trust {
  std::shared_ptr<const ImageTrust> image;  // where the keys, or the kernel's version, come from
  KernelChoice kernel;
  // Its secondary_trusted_keys are those that are the same in every walk.
  Platform platform;
  BootKeyring keys;

  // The platform in this walk; `own` is filled in, and is it, where the keys are open.
  const Platform& platform_in(Walk& walk, Platform& own) const;
  // Does this key come from the image? Else it is one of --trust.
  bool is_of_image(const PreparedCertificate& certificate) const;
};

// Trust, or why there is none.
using TrustAnswer = Result<std::shared_ptr<const Trust>>;

class TrustBook {
 public:
  // `run_later` queues work that a lookup has waited for.
  TrustBook(TrustOptions options, std::function<void(std::function<void()>)> run_later);

  // An image whose search has not ended. Lookups prepare for it, and are not answered by it.
  void propose_image(std::shared_ptr<const ImageTrust> image);
  void add_image(std::shared_ptr<const ImageTrust> image);
  // The configuration of the kernel `release`. Which one is taken does not depend on their order.
  void add_config(const std::string& release, ConfigFile config);
  // May a kernel of this release have CONFIG_MODULE_HASHES, as far as is known by now?
  bool may_have_module_hashes(const std::string& release) const;
  // Neither image nor configuration will be added any more, but for those that lookups ask the host
  // for.
  void no_more_images();

  // Calls `answer` now or later with what `artifact` is checked against; before that perhaps
  // `prepare`, at the same time perhaps, with what it will likely be: the same pointer then.
  using Prepare = std::function<void(const std::shared_ptr<const Trust>&)>;
  void find(const Examined& artifact, std::function<void(TrustAnswer)> answer,
            Prepare prepare = {});

 private:
  using Place = std::pair<std::string, std::string>;  // root and release

  struct Question {
    std::string container;
    std::vector<std::string> releases;  // to look for, the first that there is
    std::string root;                   // that it hangs under, on disk
    std::function<void(TrustAnswer)> answer;
    Prepare prepare;
  };
  // Where a question stands: an image, or that there is none, or neither yet.
  struct Search {
    std::shared_ptr<const ImageTrust> image;
    bool is_over = false;
  };

  bool try_answer(const Question& question);
  Search search(const Question& question);
  Search search_release(const Question& question, const std::string& release);
  std::shared_ptr<const ImageTrust> only_image(const Question& question) const;
  void ask_host(const Place& place);
  void prepare_for(const std::shared_ptr<const ImageTrust>& image, const Question& question);
  Result<std::shared_ptr<const ConfigFile>> config_of(const ImageTrust& image,
                                                      const Question& question) const;
  TrustAnswer trust_of(const std::shared_ptr<const ImageTrust>& image,
                       std::shared_ptr<const ConfigFile> config = nullptr);
  TrustAnswer option_trust(const Examined& artifact);

  const TrustOptions options_;
  const std::function<void(std::function<void()>)> run_later_;
  mutable std::mutex mutex_;
  bool complete_ = false;
  std::multimap<std::string, std::shared_ptr<const ImageTrust>> images_;  // by release
  std::vector<std::shared_ptr<const ImageTrust>> proposed_;
  std::multimap<std::string, std::shared_ptr<const ConfigFile>> configs_;  // by release
  std::vector<Question> waiting_;
  std::set<Place> asked_;                                    // where the host is, or was, looked at
  std::map<Place, std::shared_ptr<const ImageTrust>> told_;  // and what was there, nothing perhaps
  std::map<std::pair<const ImageTrust*, const ConfigFile*>, std::shared_ptr<const Trust>> by_image_;
  std::map<std::string, std::shared_ptr<const Trust>> by_kernel_;  // for --trust
};

// Reads an image's certificate list. Never fails: what goes wrong stands in the result. `propose`
// is told what the result will likely be, while the image is searched to its end.
using ProposeImage = std::function<void(std::shared_ptr<const ImageTrust>)>;
// `standing` is that of the image itself.
std::shared_ptr<ImageTrust> read_image_trust(const Examined& artifact, const Content& content,
                                             const ProposeImage& propose = {},
                                             Standing standing = Standing::unchecked);

// The image at `path` (--kernel); image_unknown when it is none.
Result<std::shared_ptr<ImageTrust>> open_image_trust(const std::string& path);

// A configuration file; `name` is what it is called in reports.
ConfigFile read_config_file(std::string name, std::string container, const Content& content);
// The configuration that lies beside an image on disk; nothing where there is none.
std::shared_ptr<const ConfigFile> find_config_beside(const ImageTrust& image);

// The kernel of an artifact by what it says itself.
KernelChoice kernel_of(const Examined& artifact, std::optional<KernelVersion> version);

}  // namespace assay
