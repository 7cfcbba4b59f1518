# Scripts for people and for continuous integration.

EXTRA_DIST += \
	%D%/setup.sh
dist_noinst_SCRIPTS += \
	%D%/check.sh \
	%D%/quickstart.sh

bashcompletiondir = $(datadir)/bash-completion/completions
zshcompletiondir = $(datadir)/zsh/site-functions
fishcompletiondir = $(datadir)/fish/vendor_completions.d
EXTRA_DIST += %D%/completion/corunctl.bash
if TOOLS
dist_zshcompletion_DATA = %D%/completion/_corunctl
dist_fishcompletion_DATA = %D%/completion/corunctl.fish

# bash looks for the name of the command, without an ending.
install-data-local:
	$(MKDIR_P) "$(DESTDIR)$(bashcompletiondir)"
	$(INSTALL_DATA) "$(srcdir)/contrib/completion/corunctl.bash" \
		"$(DESTDIR)$(bashcompletiondir)/corunctl"
uninstall-local:
	rm -f "$(DESTDIR)$(bashcompletiondir)/corunctl"
else
EXTRA_DIST += %D%/completion/_corunctl %D%/completion/corunctl.fish
endif
