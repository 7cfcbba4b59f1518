# fish completion for corunctl

# Nothing when there is no daemon.
function __corunctl_tasks
	corunctl tasks --timeout 1 2>/dev/null </dev/null |
		awk 'NR == 1 { width = index($0, "STATE") - 1 }
			NR > 1 && (name = substr($0, 1, width)) ~ /^[A-Za-z0-9_.@+-]+ *$/ { sub(/ *$/, "", name); print name }'
end

set -l asking status tasks limit workers start stop restart logs events reload version
set -l commands nproc cpu $asking
set -l none "not __fish_seen_subcommand_from $commands"
set -l look "__fish_seen_subcommand_from nproc cpu"
set -l cpu "__fish_seen_subcommand_from cpu"
set -l client "__fish_seen_subcommand_from $asking"
set -l json "__fish_seen_subcommand_from status tasks limit workers start stop restart events reload version"
set -l named "__fish_seen_subcommand_from status start stop restart logs"
set -l output "__fish_seen_subcommand_from status logs"
set -l workers "__fish_seen_subcommand_from workers"
set -l events "__fish_seen_subcommand_from events"

complete -c corunctl -f
complete -c corunctl -n $none -a nproc -d 'Print the number of workers'
complete -c corunctl -n $none -a cpu -d 'Explain the number of workers'
complete -c corunctl -n $none -a status -d 'Show the daemon, or one task'
complete -c corunctl -n $none -a tasks -d 'List the tasks'
complete -c corunctl -n $none -a limit -d 'Show what corund saw of its CPU limit'
complete -c corunctl -n $none -a workers -d 'Show or set the number of workers'
complete -c corunctl -n $none -a start -d 'Start tasks'
complete -c corunctl -n $none -a stop -d 'Stop tasks'
complete -c corunctl -n $none -a restart -d 'Stop tasks and start them again'
complete -c corunctl -n $none -a logs -d 'Print what a task has written last'
complete -c corunctl -n $none -a events -d 'Print what happens'
complete -c corunctl -n $none -a reload -d 'Have the configuration read again'
complete -c corunctl -n $none -a version -d 'The versions of corunctl and corund'
complete -c corunctl -s h -l help -d 'What it takes'
complete -c corunctl -n $none -s V -l version -d 'The version'

complete -c corunctl -n $look -l root -r -a '(__fish_complete_directories)' -d 'A folder that stands for the kernel'
complete -c corunctl -n $look -l cpus -x -d 'So many CPUs, instead of asking the kernel'
complete -c corunctl -n $look -l leaf-only -d "Go's rule: without the cgroups above"
complete -c corunctl -n $look -l round -x -a 'up down nearest' -d 'How a limit becomes a whole number'
complete -c corunctl -n $look -l min -x -d 'A quota alone never gives less'
complete -c corunctl -n $look -l max -x -d 'Never more'

complete -c corunctl -n $cpu -l watch -d 'Tell each change'
complete -c corunctl -n $cpu -l json -d 'As JSON'
complete -c corunctl -n $cpu -l capture -r -F -d 'Save the files that decided'

complete -c corunctl -n $client -l socket -r -F -d 'Of the daemon'
complete -c corunctl -n $client -l timeout -x -d 'How long to wait for an answer'
complete -c corunctl -n $json -l json -d 'As the daemon says it'
complete -c corunctl -n $named -a '(__corunctl_tasks)' -d Task
complete -c corunctl -n '__fish_seen_subcommand_from status' -l running -d 'Fail unless the task runs'
complete -c corunctl -n $output -s n -l lines -x -d 'So many lines of output'
complete -c corunctl -n $workers -a auto -d 'Back to the rules'
complete -c corunctl -n $events -l since -x -d 'First those after this number'
complete -c corunctl -n $events -l no-follow -d 'End after those that are there'
