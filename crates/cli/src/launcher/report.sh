# The report on all runs of the list and of earlier submissions.
unfinished=0
while IFS= read -r directory; do
    [ -e "$directory/done.ron" ] || { unfinished=$((unfinished + 1)); echo "not finished: $directory"; }
done <"$list"
[ "$unfinished" = 0 ] || echo "$unfinished not finished: submit again to resume or retry, and report anew"
exec "$program" "${options[@]}"
